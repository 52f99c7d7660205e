"""The worker's task: moving the accounts of plans."""

from lib.background import background_task, enqueue_soon, repeat
from plans.moving import move_next_accounts


@background_task("plans.move_accounts")
def move() -> None:
    """Go on with the plans that run; the scheduler wakes it up again after a worker's death."""
    repeat(move_next_accounts)


def enqueue_moves() -> None:
    """Wake a worker up for the accounts of plans; the scheduler does so too."""
    enqueue_soon(move, expires=30.0)
