"""Tasks that the scheduler starts."""

from images.link_visits import delete_past_visits
from images.links import delete_ended_links, set_missing_owners
from images.removals import remove_files
from images.retries import purge_past_keys
from lib.background import background_task, repeat

__all__ = ["purge_ended_links", "purge_idempotency_keys", "remove_files"]


@background_task("images.forget_ended")
def purge_ended_links() -> None:
    """Delete past links and visits, and complete rows of an older release, batch by batch."""
    for step in (set_missing_owners, delete_ended_links, delete_past_visits):
        repeat(step)


@background_task("images.purge_idempotency_keys")
def purge_idempotency_keys() -> None:
    """Delete keys of uploads that no longer count, batch by batch."""
    repeat(purge_past_keys)
