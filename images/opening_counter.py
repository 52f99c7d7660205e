"""Openings of links that are counted together: written once a second, one statement for many.

Links with `max_opens` are never counted here: `images.link_visits` spends their openings.
"""

import logging
import time
from collections import defaultdict
from datetime import datetime
from multiprocessing.util import Finalize
from threading import Event, Lock, Thread

from django.db import DatabaseError, close_old_connections, transaction
from django.db.models import F
from django.utils import timezone

from images.first_openings import count_first, unopened_among
from images.models import Link
from images.signals import links_opened
from lib.batches import BATCH_SIZE

logger = logging.getLogger(__name__)

# What a power cut, or a killed process, may lose.
INTERVAL_SECONDS = 1.0


class OpeningCounter:
    """Counts of this process.

    Unless told otherwise a thread of its own writes them, and the process once more when it ends.
    """

    def __init__(self, *, writes_itself: bool = True) -> None:
        self._writes_itself = writes_itself
        self._lock = Lock()
        self._counts: dict[int, int] = defaultdict(int)
        self._wake_up = Event()
        self._thread: Thread | None = None

    def add(self, link_id: int) -> None:
        """Count an opening."""
        with self._lock:
            self._counts[link_id] += 1
            if self._writes_itself and self._thread is None:
                self._start()
            if len(self._counts) == 1:
                self._wake_up.set()

    def _start(self) -> None:
        self._thread = Thread(target=self._run, name="link openings", daemon=True)
        self._thread.start()
        # Servers end their processes in several ways; all of them call this.
        Finalize(self, self.write, exitpriority=10)

    def write(self) -> None:
        """Write what is counted; while the database is away, keep it for the next time."""
        with self._lock:
            counts, self._counts = self._counts, defaultdict(int)
        now = timezone.now()
        by_count: dict[int, list[int]] = defaultdict(list)
        for link_id, count in counts.items():
            by_count[count].append(link_id)
        for count, link_ids in by_count.items():
            # In one order, so that two processes seldom wait for each other's rows.
            link_ids.sort()
            for start in range(0, len(link_ids), BATCH_SIZE):
                self._write_some(link_ids[start : start + BATCH_SIZE], count, now)

    def _write_some(self, link_ids: list[int], count: int, now: datetime) -> None:
        left = set(link_ids)
        try:
            for link_id, picture_id in unopened_among(link_ids):
                if count_first(link_id, picture_id, count=count, at=now):
                    left.remove(link_id)
            with transaction.atomic():
                links = Link.objects.filter(pk__in=left)
                opened = links.update(opened=F("opened") + count, last_opened_at=now)
                links_opened.send(sender=Link, count=opened * count, at=now)
        except DatabaseError as error:
            logger.warning("openings are written later: %s", type(error).__name__)
            with self._lock:
                for link_id in left:
                    self._counts[link_id] += count

    def _run(self) -> None:
        """Sleep while there is nothing to count."""
        while True:
            self._wake_up.wait()
            self._wake_up.clear()
            while self._counts:
                time.sleep(INTERVAL_SECONDS)
                close_old_connections()
                self.write()
                close_old_connections()
