"""Periodic work of the scheduler."""

from celery import shared_task

from notifications.feed import purge_old_events


@shared_task(name="notifications.forget_events")
def purge_events() -> None:
    """Delete, in batches, the events that are no longer kept."""
    while purge_old_events():
        pass
