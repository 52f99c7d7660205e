"""Periodic work of the scheduler."""

from celery import shared_task

from accounts.denylist import purge_denylist
from accounts.security_log import purge_security_events
from accounts.sessions import purge_expired_sessions


@shared_task(name="accounts.purge_ended_sessions")
def purge_ended_sessions() -> None:
    """Delete expired entries of the denylist, and, in batches, old sessions and security events."""
    purge_denylist()
    while purge_expired_sessions():
        pass
    while purge_security_events():
        pass
