"""Tasks that the scheduler starts."""

from celery import shared_task

from images.link_visits import delete_past_visits
from images.links import delete_ended_links, set_missing_owners
from images.removals import remove_waiting_files
from images.retries import purge_past_keys


@shared_task(name="images.forget_ended")
def purge_ended_links() -> None:
    """Delete past links and visits, and complete rows of an older release, batch by batch."""
    for step in (set_missing_owners, delete_ended_links, delete_past_visits):
        while step():
            pass


@shared_task(name="images.purge_idempotency_keys")
def purge_idempotency_keys() -> None:
    """Delete keys of uploads that no longer count, batch by batch."""
    while purge_past_keys():
        pass


@shared_task(name="images.remove_files")
def remove_files() -> None:
    """Remove the files of deleted rows that were not removed at once, batch by batch."""
    remove_waiting_files()
