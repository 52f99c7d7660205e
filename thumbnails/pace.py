"""How fast thumbnails were made in the last day, by all workers together.

Each process counts for itself, and writes a row for each hour every few seconds: nobody waits for
it, and what a killed process has not written yet is missing from a measurement alone.
"""

import logging
import time
from datetime import datetime, timedelta
from threading import Lock
from typing import NamedTuple
from uuid import uuid4

from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone

from thumbnails.models import RenderPace
from thumbnails.precedence import backfill_threads

logger = logging.getLogger(__name__)
WRITE_INTERVAL = 10.0  # seconds
MEASURED = timedelta(days=1)
RETENTION = timedelta(days=7)


class PaceMeter:
    """Counts of this process, with those of all its threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process = uuid4()
        self._thumbnails, self._seconds = 0, 0.0
        self._written_at = -WRITE_INTERVAL

    def add(self, thumbnails: int, seconds: float) -> None:
        """Count thumbnails of one picture, and the seconds from its decode to the commit.

        Those of what is made beside thumbnails later come without any.
        """
        with self._lock:
            self._thumbnails += thumbnails
            self._seconds += seconds
            if time.monotonic() - self._written_at < WRITE_INTERVAL:
                return
            counted = self._thumbnails, self._seconds
            self._thumbnails, self._seconds, self._written_at = 0, 0.0, time.monotonic()
        try:
            self._write(*counted)
        except DatabaseError as error:
            logger.warning("a pace was not written: %s", type(error).__name__)

    def _write(self, thumbnails: int, seconds: float) -> None:
        hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        row = RenderPace.objects.filter(hour=hour, process=self._process)
        changes = {"thumbnails": F("thumbnails") + thumbnails, "seconds": F("seconds") + seconds}
        if row.update(**changes):
            return
        made = RenderPace(hour=hour, process=self._process, threads=backfill_threads())
        # Of two threads at the beginning of an hour one makes the row, then both count.
        RenderPace.objects.bulk_create([made], ignore_conflicts=True)
        row.update(**changes)
        RenderPace.objects.filter(hour__lt=hour - RETENTION).delete()


pace_meter = PaceMeter()


class Pace(NamedTuple):
    """So many thumbnails took so many seconds of one thread; so many threads there were last."""

    thumbnails: int
    seconds: float
    threads: int

    def seconds_for(self, thumbnails: int) -> float:
        """Return how long all threads together make so many."""
        return thumbnails * self.seconds / self.thumbnails / self.threads


def measured_pace(now: datetime | None = None) -> Pace | None:
    """Return the pace of the last day; None where nothing was rendered. One query."""
    now = now or timezone.now()
    rows = list(RenderPace.objects.filter(hour__gt=now - MEASURED, thumbnails__gt=0))
    if not rows:
        return None
    last = max(each.hour for each in rows)
    return Pace(
        sum(each.thumbnails for each in rows),
        sum(each.seconds for each in rows),
        sum(each.threads for each in rows if each.hour == last),
    )
