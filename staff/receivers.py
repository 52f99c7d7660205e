"""Receivers of signals: what happens is added to its day, in the same transaction."""

from datetime import datetime
from typing import Any

from images.signals import links_opened
from staff.counting import add_to_day


def connect() -> None:
    """Connect the receivers; called once, when Django is ready."""
    links_opened.connect(_count_openings, dispatch_uid="staff.count_openings")


def _count_openings(count: int, at: datetime, **kwargs: Any) -> None:
    add_to_day(at.date(), openings=count)
