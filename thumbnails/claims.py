"""Which worker renders a picture now: one at a time, a limited number of attempts, none lost.

The row is the source of truth; a Celery message only says that there is work. An attempt is counted
before it starts, so that a picture that kills its worker fails permanently instead of looping. A
lease expires by itself, so that a dead worker's picture is enqueued again. A revision tells a
worker that thumbnails were requested again while it rendered.

A picture fails permanently after MAX_FAILURES failures of its own. MAX_ATTEMPTS is higher, since
the death of a worker says little about the picture: untrusted bytes are decoded in other processes.
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
MAX_FAILURES = 3
MAX_ATTEMPTS = 10
RETRY_INTERVAL = timedelta(seconds=60)
OUTAGE_RETRY_DELAY = timedelta(seconds=5)
MAX_REASON_LENGTH = 200
ATTEMPTS_USED_UP = "It stopped the renderer each time it was tried."


def claim(picture_id: int) -> Picture | None:
    """Take a pending picture for rendering, with its owner and tier; None if it cannot be taken.

    Mark it as failed permanently if its attempts are used up.
    """
    now, lease_end = timezone.now(), _new_lease_end()
    unleased = Q(render_leased_until=None) | Q(render_leased_until__lte=now)
    claimable = Picture.objects.pending().filter(unleased, pk=picture_id)
    claimed = claimable.filter(render_attempts__lt=MAX_ATTEMPTS).update(
        render_attempts=F("render_attempts") + 1,
        render_leased_until=lease_end,
        render_ask_at=lease_end,
    )
    if claimed:
        return Picture.objects.find_by_id(picture_id)
    for picture in claimable.filter(render_attempts__gte=MAX_ATTEMPTS):
        mark_failed(picture, ATTEMPTS_USED_UP)
    return None


def _new_lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.RENDER_LEASE_SECONDS)


@contextmanager
def renewed_lease(picture: Picture) -> Iterator[None]:
    """Renew the lease in a thread while the block runs."""
    ended = threading.Event()
    threading.Thread(target=_renew_until, args=(ended, picture.pk), daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _renew_until(ended: threading.Event, picture_id: int) -> None:
    # Most renderings end before the first renewal, and open no connection here.
    try:
        while not ended.wait(settings.RENDER_LEASE_SECONDS / 3):
            _renew(picture_id)
    finally:
        connection.close()


def _renew(picture_id: int) -> None:
    lease_end = _new_lease_end()
    leased = Picture.objects.pending().filter(pk=picture_id).exclude(render_leased_until=None)
    try:
        leased.update(render_leased_until=lease_end, render_ask_at=lease_end)
    except DATABASE_AWAY as error:
        # At worst another worker claims the picture too, and one of the renderings is wasted.
        logger.warning("a lease was not renewed: %s", type(error).__name__)
        connection.close()


def return_attempt(picture: Picture) -> None:
    """End the lease without counting the attempt: it failed for no fault of the picture."""
    Picture.objects.filter(pk=picture.pk, render_attempts__gt=0).update(
        render_attempts=F("render_attempts") - 1,
        render_leased_until=None,
        render_ask_at=timezone.now() + OUTAGE_RETRY_DELAY,
    )


def count_failure(picture: Picture, reason: str) -> None:
    """End the lease after a failure, the last of which is permanent."""
    if picture.render_failures + 1 >= MAX_FAILURES:
        mark_failed(picture, reason)
        return
    Picture.objects.filter(pk=picture.pk).update(
        render_failures=F("render_failures") + 1,
        render_leased_until=None,
        render_ask_at=timezone.now(),
    )


def mark_rendered(picture: Picture, **placeholders: str) -> bool:
    """End the lease of a rendered picture and save its placeholders.

    Return whether the picture is ready. It stays pending when thumbnails were requested again since
    the claim. Raise Picture.DoesNotExist when it was deleted meanwhile. In a transaction the row
    is locked from then on.
    """
    fields = {"render_leased_until": None, "render_ask_at": timezone.now(), **placeholders}
    same_revision = Picture.objects.filter(pk=picture.pk, render_revision=picture.render_revision)
    if same_revision.update(rendering=Picture.Rendering.READY, render_failure="", **fields):
        return True
    if not Picture.objects.filter(pk=picture.pk).update(**fields):
        raise Picture.DoesNotExist
    return False


@transaction.atomic
def mark_failed(picture: Picture, reason: str) -> None:
    """Stop rendering a picture until staff request it again; `reason` is shown to people."""
    failed = (
        Picture.objects.pending()
        .filter(pk=picture.pk, render_revision=picture.render_revision)
        .update(
            rendering=Picture.Rendering.FAILED,
            render_failure=reason[:MAX_REASON_LENGTH],
            render_leased_until=None,
        )
    )
    if failed:
        picture.rendering, picture.render_failure = Picture.Rendering.FAILED, reason
        thumbnails_failed.send(sender=Picture, picture=picture)
        invalidate(picture.owner_id)
