"""Where a request comes from, as sessions record it and throttles count it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """The client's IP address (None where it is unknown), its User-Agent, and its device cookie.

    The cookie is as the client sent it: see `accounts.known_devices`.
    """

    client_ip: str | None = None
    user_agent: str = ""
    device: str = ""
