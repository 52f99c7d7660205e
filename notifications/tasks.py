"""Periodic work of the scheduler."""

from lib.background import background_task, repeat
from notifications.feed import purge_old_events


@background_task("notifications.forget_events")
def purge_events() -> None:
    """Delete, in batches, the events that are no longer kept."""
    repeat(purge_old_events)
