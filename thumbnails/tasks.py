"""The worker's tasks, and how messages for them are enqueued."""

import logging
import time
from typing import Any

from celery import Task, shared_task
from django.db import close_old_connections

from images.pixels import remove_expired
from images.storage.outages import DATABASE_AWAY
from lib.background import background, background_task, enqueue_soon, enqueue_task
from thumbnails.backfills import go_on
from thumbnails.claims import RETRY_INTERVAL, find_beside_due, give_up_beside, remove_orphans
from thumbnails.deletion import finish_clearings
from thumbnails.kept_pixels import kept_pixels
from thumbnails.precedence import (
    backfill_threads,
    behind_uploads,
    upload_first,
    wait_for_rest,
)
from thumbnails.services import ensure_thumbnails
from thumbnails.smaller_formats import make_beside
from thumbnails.sweeping import give_back, take_overdue, take_wanted_again

logger = logging.getLogger(__name__)
# In seconds, between attempts while the database is unavailable; then the sweep takes over.
_DATABASE_RETRY_DELAYS = (1, 2, 4, 8, 15)
# Pictures that a worker takes at once from those that wait behind uploads.
_TAKEN_AT_ONCE = 4
# For so many another thread, here or in another worker, is woken up too.
_WORTH_HELP = 20
# So long a picture of a backfill waits for uploads, in seconds, before it is rendered beside them.
_PATIENCE = 1.0
# So long no upload's thumbnails were rendered here, in seconds, when what lies beside is made: two
# uploads of one client that sends them one after another lie closer together.
_REST = 0.25


@shared_task(name="thumbnails.ensure", bind=True)
def ensure(task: Task[Any, Any], picture_id: int) -> None:
    """Render the missing thumbnails of one upload."""
    with upload_first():
        is_wanted_again = _ensure_with_retries(picture_id)
    if is_wanted_again:
        enqueue(picture_id)
    if kept_pixels.oldest() is None:
        return
    if task.request.called_directly or task.request.is_eager:
        make_kept_beside()
    else:
        background.start("thumbnails.beside", make_kept_beside_at_rest)


def make_kept_beside_at_rest() -> None:
    """Make what is to lie beside thumbnails whose pixels are kept here, between uploads.

    What uploads leave no time for is the sweep's: a worker that did it beside them would fall
    behind them, and the further behind it is the more each picture costs.
    """
    while not background.is_stopping and (picture_id := kept_pixels.oldest()) is not None:
        if wait_for_rest(kept_pixels.patience(picture_id), _REST):
            make_beside(picture_id)
        else:
            kept_pixels.drop(picture_id)


def make_kept_beside() -> None:
    """Make at once what is to lie beside thumbnails whose pixels are kept here, oldest first."""
    while (picture_id := kept_pixels.oldest()) is not None:
        make_beside(picture_id)


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


@background_task("thumbnails.sweep")
def sweep() -> None:
    """Enqueue overdue uploads again, and have what waits behind uploads rendered."""
    give_back([picture_id for picture_id in take_overdue() if not enqueue(picture_id)])
    enqueue_backfill()
    give_up_beside()
    remove_orphans()
    # A web process that left pixels may have been killed before it removed them.
    remove_expired()


@background_task("thumbnails.finish_clearings")
def clear() -> None:
    """Delete what is left of all pictures of an account where the request for it died."""
    if finish_clearings():
        enqueue_task(clear)


# Named as the release before does.
@background_task("thumbnails.recheck", threads=backfill_threads)
def backfill() -> None:
    """Render what waits behind uploads, and go on with backfills, as long as there is work."""
    while not background.is_stopping:
        if (picture_id := find_beside_due()) is not None:
            with behind_uploads(_PATIENCE):
                make_beside(picture_id)
            continue
        if picture_ids := take_wanted_again(_TAKEN_AT_ONCE):
            _render_behind_uploads(picture_ids)
            continue
        wanted, has_more = go_on()
        if wanted >= _WORTH_HELP:
            enqueue_backfill()
        if not has_more:
            return


def _render_behind_uploads(picture_ids: list[int]) -> None:
    while picture_ids and not background.is_stopping:
        with behind_uploads(_PATIENCE):
            _ensure_with_retries(picture_ids.pop(0))
    give_back(picture_ids)


def enqueue(picture_id: int) -> bool:
    """Send the message to render an upload; return whether the broker accepted it.

    It never raises, since the sweep finds the row. A message expires once the sweep sends another.
    """
    return enqueue_task(ensure, picture_id, expires=RETRY_INTERVAL.total_seconds())


def enqueue_upload(picture_id: int) -> None:
    """Have the message sent, for somebody who waits for no broker."""
    enqueue_soon(ensure, picture_id, expires=RETRY_INTERVAL.total_seconds())


def enqueue_backfill() -> None:
    """Wake up a worker for what waits behind uploads; the sweep does so too."""
    enqueue_soon(backfill, expires=RETRY_INTERVAL.total_seconds())
