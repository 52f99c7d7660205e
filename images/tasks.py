"""Work that the scheduler asks for."""

from celery import shared_task

from accounts.revocation import forget_expired
from accounts.sessions import forget_ended
from images.links import forget_ended_links


@shared_task(name="images.forget_ended")
def forget_ended_rows() -> None:
    """Delete sessions and links that ended long ago, batch by batch, and revocations."""
    forget_expired()
    while forget_ended() or forget_ended_links():
        pass
