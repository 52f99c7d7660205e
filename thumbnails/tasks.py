"""Work for the worker, and how it is asked for."""

import logging
import time

from celery import shared_task
from django.db import close_old_connections
from kombu.exceptions import OperationalError

from images.storage.outages import DATABASE_AWAY
from thumbnails.claims import ASK_AGAIN
from thumbnails.services import ensure_thumbnails
from thumbnails.sweeping import overdue, put_back, recheck_batch

logger = logging.getLogger(__name__)
# After a failure to reach the broker, requests stop trying for a while: the sweep asks anyway.
_QUIET_SECONDS = 5.0
# A worker waits so long (seconds) for the database; then the sweep is left to ask again.
_PAUSES = (1, 2, 4, 8, 15)


class _Broker:
    """What this process knows of the broker."""

    quiet_until = 0.0


@shared_task(name="thumbnails.ensure")
def ensure(picture_id: int) -> None:
    """Make the missing thumbnails of one picture."""
    if _ensured(picture_id):
        ask(picture_id)


def _ensured(picture_id: int) -> bool:
    """Wait for a database that is away: dropping the message would cost more time than that."""
    for pause in _PAUSES:
        try:
            return ensure_thumbnails(picture_id)
        except DATABASE_AWAY as error:
            logger.warning("picture %s waits: %s", picture_id, type(error).__name__)
            close_old_connections()
            time.sleep(pause)
    return ensure_thumbnails(picture_id)


@shared_task(name="thumbnails.sweep")
def sweep() -> None:
    """Ask again for what is wanted and not there, and go on with the walks after tier changes."""
    put_back([picture_id for picture_id in overdue() if not ask(picture_id)])
    recheck.delay()


@shared_task(name="thumbnails.recheck")
def recheck() -> None:
    """Walk through the pictures of changed tiers."""
    while recheck_batch():
        pass


def ask(picture_id: int) -> bool:
    """Send the message that a picture is wanted; never fails, since the row says it too.

    Returns whether it was sent. A message that waits longer than the sweep takes to ask again is
    dropped unread.
    """
    if time.monotonic() < _Broker.quiet_until:
        return False
    try:
        ensure.apply_async((picture_id,), expires=ASK_AGAIN.total_seconds())
    except (OperationalError, OSError) as error:
        _Broker.quiet_until = time.monotonic() + _QUIET_SECONDS
        logger.warning("the broker is away, the sweep will ask: %s", type(error).__name__)
        return False
    return True


def ask_for_recheck() -> None:
    """Send the message that a tier changed; never fails, since the sweep asks anyway."""
    try:
        recheck.apply_async()
    except (OperationalError, OSError) as error:
        logger.warning("the broker is away, the sweep will ask: %s", type(error).__name__)
