"""The worker's tasks, and how messages for them are enqueued."""

import logging
import time

from celery import shared_task
from django.db import close_old_connections
from kombu.exceptions import OperationalError

from images.storage.outages import DATABASE_AWAY
from lib.backoff import CircuitBreaker
from thumbnails.claims import RETRY_INTERVAL
from thumbnails.services import ensure_thumbnails
from thumbnails.sweeping import retry_at_next_sweep, run_backfill_batch, take_overdue

logger = logging.getLogger(__name__)
# After a failure to reach the broker, requests skip it for 5 seconds: the sweep enqueues again.
_broker_breaker = CircuitBreaker(5.0)
# In seconds, between attempts while the database is unavailable; then the sweep takes over.
_DATABASE_RETRY_DELAYS = (1, 2, 4, 8, 15)


@shared_task(name="thumbnails.ensure")
def ensure(picture_id: int) -> None:
    """Render the missing thumbnails of one picture."""
    if _ensure_with_retries(picture_id):
        enqueue(picture_id)


def _ensure_with_retries(picture_id: int) -> bool:
    # Waiting costs less time than dropping the message, which leaves the picture to the sweep.
    for delay in _DATABASE_RETRY_DELAYS:
        try:
            return ensure_thumbnails(picture_id)
        except DATABASE_AWAY as error:
            logger.warning("picture %s waits: %s", picture_id, type(error).__name__)
            close_old_connections()
            time.sleep(delay)
    return ensure_thumbnails(picture_id)


@shared_task(name="thumbnails.sweep")
def sweep() -> None:
    """Enqueue overdue pictures again, and continue backfills after tier changes."""
    retry_at_next_sweep([picture_id for picture_id in take_overdue() if not enqueue(picture_id)])
    backfill.delay()


@shared_task(name="thumbnails.recheck")
def backfill() -> None:
    """Request the thumbnails of all pictures whose tier changed."""
    while run_backfill_batch():
        pass


def enqueue(picture_id: int) -> bool:
    """Send the message to render a picture; return whether the broker accepted it.

    It never raises, since the sweep finds the row. A message expires once the sweep sends another.
    """
    if _broker_breaker.is_open:
        return False
    try:
        ensure.apply_async((picture_id,), expires=RETRY_INTERVAL.total_seconds())
    except (OperationalError, OSError) as error:
        _broker_breaker.trip()
        logger.warning("the broker is unavailable, the sweep will retry: %s", type(error).__name__)
        return False
    return True


def enqueue_backfill() -> None:
    """Send the message that a tier changed; never raise, since the sweep finds the row."""
    try:
        backfill.apply_async()
    except (OperationalError, OSError) as error:
        logger.warning("the broker is unavailable, the sweep will retry: %s", type(error).__name__)
