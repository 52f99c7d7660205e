"""Work that the scheduler asks for."""

from celery import shared_task

from images.links import forget_ended_links


@shared_task(name="images.forget_ended")
def purge_ended_links() -> None:
    """Delete links that ended long ago, batch by batch."""
    while forget_ended_links():
        pass
