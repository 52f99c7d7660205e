from tests.accounts.conftest import ended_sessions, external_issuer

__all__ = ["ended_sessions", "external_issuer"]
