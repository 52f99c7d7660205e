"""Periodic work of the scheduler."""

from accounts.denylist import purge_denylist
from accounts.mail import send_due_mail
from accounts.security_log import purge_security_events
from accounts.sessions import purge_expired_sessions
from lib.background import background_task, repeat

__all__ = ["purge_ended_sessions", "send_due_mail"]


@background_task("accounts.purge_ended_sessions")
def purge_ended_sessions() -> None:
    """Delete expired entries of the denylist, and, in batches, old sessions and security events."""
    purge_denylist()
    repeat(purge_expired_sessions)
    repeat(purge_security_events)
