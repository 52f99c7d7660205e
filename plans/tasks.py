"""The worker's task: what plans do by themselves, and in batches."""

from lib.background import background_task, enqueue_soon, repeat
from plans.moving import move_next_accounts
from plans.progress import mark_all_progress
from plans.warnings import apply_next_due, tell_next_accounts


@background_task("plans.move_accounts")
def move() -> None:
    """Go on with the plans that run, and with those of which people are told; apply what is due.

    The scheduler wakes it up too: after a worker's death, and for the time of a plan.
    """
    repeat(tell_next_accounts)
    repeat(apply_next_due)
    repeat(move_next_accounts)
    mark_all_progress()


def enqueue_moves() -> None:
    """Wake a worker up for the accounts of plans; the scheduler does so too."""
    enqueue_soon(move, expires=30.0)
