"""Work that the scheduler asks for."""

from celery import shared_task

from accounts.revocation import forget_expired
from accounts.sessions import forget_ended


@shared_task(name="accounts.purge_ended_sessions")
def purge_ended_sessions() -> None:
    """Delete sessions that ended long ago, batch by batch, and revocations that are past."""
    forget_expired()
    while forget_ended():
        pass
