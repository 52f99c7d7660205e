"""What the scheduler has the worker count."""

from lib.background import background_task
from staff.counting import count_if_due


@background_task("staff.count")
def count() -> None:
    """Count what the admin's first page shows."""
    count_if_due()
