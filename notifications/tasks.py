"""Work that the scheduler asks for."""

from celery import shared_task

from notifications.feed import forget_old


@shared_task(name="notifications.forget_events")
def forget_events() -> None:
    """Delete events that are kept no longer, batch by batch."""
    while forget_old():
        pass
