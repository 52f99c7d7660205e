"""Periodic work of the scheduler."""

from celery import shared_task

from accounts.denylist import purge_denylist
from accounts.mail import send_due_mail
from accounts.security_log import purge_security_events
from accounts.sessions import purge_expired_sessions

__all__ = ["purge_ended_sessions", "send_due_mail"]


@shared_task(name="accounts.purge_ended_sessions")
def purge_ended_sessions() -> None:
    """Delete expired entries of the denylist, and, in batches, old sessions and security events."""
    purge_denylist()
    while purge_expired_sessions():
        pass
    while purge_security_events():
        pass
