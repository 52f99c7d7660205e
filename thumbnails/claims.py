"""Who renders a picture now: one worker at a time, a few attempts, nothing forgotten.

The row is the truth and the message only a hint. An attempt is counted before it starts, so that a
picture that kills its worker is set aside instead of looping; a lease ends by itself, so that a
dead worker's picture is asked for again; a revision shows a worker that the wish has changed.

Three failures of its own set a picture aside. A worker that dies says far less against it, since
strangers' bytes are decoded in other processes: machines restart, deployments kill.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from images.caching import invalidate
from images.models import Picture
from images.storage.outages import DATABASE_AWAY
from thumbnails.signals import thumbnails_failed

logger = logging.getLogger(__name__)
MOST_FAILURES = 3
MOST_ATTEMPTS = 10
ASK_AGAIN = timedelta(seconds=60)
# A storage that was away is tried again after this.
AFTER_OUTAGE = timedelta(seconds=5)
LONGEST_REASON = 200
KILLER = "It stopped the renderer each time it was tried."


def claim(picture_id: int) -> Picture | None:
    """Take a picture to render it, its owner and tier loaded; None where nothing is to be done.

    Sets the picture aside where its attempts are used up.
    """
    now, lease_end = timezone.now(), _lease_end()
    free = Q(render_leased_until=None) | Q(render_leased_until__lte=now)
    mine = Picture.objects.pending().filter(free, pk=picture_id)
    taken = mine.filter(render_attempts__lt=MOST_ATTEMPTS).update(
        render_attempts=F("render_attempts") + 1,
        render_leased_until=lease_end,
        render_ask_at=lease_end,
    )
    if taken:
        return Picture.objects.with_owner().filter(pk=picture_id).first()
    for picture in mine.filter(render_attempts__gte=MOST_ATTEMPTS):
        set_aside(picture, KILLER)
    return None


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.RENDER_LEASE_SECONDS)


@contextmanager
def held(picture: Picture) -> Iterator[None]:
    """Renew the lease for as long as the block takes and this process lives."""
    ended = threading.Event()
    threading.Thread(target=_renew_until, args=(ended, picture.pk), daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _renew_until(ended: threading.Event, picture_id: int) -> None:
    """Most renderings end before the first renewal, and cost no connection here."""
    try:
        while not ended.wait(settings.RENDER_LEASE_SECONDS / 3):
            _renew(picture_id)
    finally:
        connection.close()


def _renew(picture_id: int) -> None:
    """A lease that cannot be renewed costs at most that another worker renders it too."""
    lease_end = _lease_end()
    held = Picture.objects.pending().filter(pk=picture_id).exclude(render_leased_until=None)
    try:
        held.update(render_leased_until=lease_end, render_ask_at=lease_end)
    except DATABASE_AWAY as error:
        logger.warning("a lease was not renewed: %s", type(error).__name__)
        connection.close()


def give_back(picture: Picture) -> None:
    """Take the attempt back: it failed for a reason that has nothing to do with the picture."""
    Picture.objects.filter(pk=picture.pk, render_attempts__gt=0).update(
        render_attempts=F("render_attempts") - 1,
        render_leased_until=None,
        render_ask_at=timezone.now() + AFTER_OUTAGE,
    )


def count_failure(picture: Picture, reason: str) -> None:
    """Set a picture aside at its last failure, else leave it to be asked for again."""
    if picture.render_failures + 1 >= MOST_FAILURES:
        set_aside(picture, reason)
        return
    Picture.objects.filter(pk=picture.pk).update(
        render_failures=F("render_failures") + 1,
        render_leased_until=None,
        render_ask_at=timezone.now(),
    )


def release(picture: Picture, **found: str) -> bool:
    """Give a rendered picture back, with the fields that were found meanwhile.

    Returns whether its wish, unchanged since, is fulfilled.
    """
    fields = {"render_leased_until": None, "render_ask_at": timezone.now(), **found}
    same_wish = Picture.objects.filter(pk=picture.pk, render_revision=picture.render_revision)
    if same_wish.update(rendering=Picture.Rendering.READY, render_failure="", **fields):
        return True
    Picture.objects.filter(pk=picture.pk).update(**fields)
    return False


@transaction.atomic
def set_aside(picture: Picture, reason: str) -> None:
    """Give up on a picture until staff ask again; `reason` is for people."""
    given_up = (
        Picture.objects.pending()
        .filter(pk=picture.pk, render_revision=picture.render_revision)
        .update(
            rendering=Picture.Rendering.FAILED,
            render_failure=reason[:LONGEST_REASON],
            render_leased_until=None,
        )
    )
    if given_up:
        picture.rendering, picture.render_failure = Picture.Rendering.FAILED, reason
        thumbnails_failed.send(sender=Picture, picture=picture)
        invalidate(picture.owner_id)
