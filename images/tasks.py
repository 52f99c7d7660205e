"""Tasks that the scheduler starts."""

from celery import shared_task

from images.links import delete_ended_links


@shared_task(name="images.forget_ended")
def purge_ended_links() -> None:
    """Delete links that ended long ago, batch by batch."""
    while delete_ended_links():
        pass
