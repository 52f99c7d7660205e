"""Which worker renders a picture now: one at a time, a limited number of attempts, none lost.

The rows are the source of truth; a Celery message only says that there is work. An attempt is
counted before it starts, so that a picture that kills its worker fails permanently instead of
looping. A lease expires by itself, so that a dead worker's picture is enqueued again. A revision
tells a worker that thumbnails were requested again while it rendered.

A picture fails permanently after MAX_FAILURES failures of its own. MAX_ATTEMPTS is higher, since
the death of a worker says little about the picture: untrusted bytes are decoded in other processes.
"""

import logging
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from images.caching import invalidate
from images.models import Picture
from images.storage.outages import DATABASE_AWAY
from thumbnails.models import RenderClaim
from thumbnails.signals import thumbnails_failed

logger = logging.getLogger(__name__)
MAX_FAILURES = 3
MAX_ATTEMPTS = 10
RETRY_INTERVAL = timedelta(seconds=60)
OUTAGE_RETRY_DELAY = timedelta(seconds=5)
# So long a worker that has the pixels of thumbnails waits for a moment without uploads, to make
# what is to lie beside them; then it leaves that to the sweep.
BESIDE_PATIENCE = timedelta(seconds=10)
MAX_REASON_LENGTH = 200
ATTEMPTS_USED_UP = "It stopped the renderer each time it was tried."


# One statement, so that of two workers one alone gets the lease. An attempt that is refused changes
# nothing.
_CLAIM = """
    insert into thumbnails_renderclaim (picture_id, attempts, failures, leased_until)
    select id, 1, 0, %(lease_end)s from images_picture
    where id = %(picture)s and rendering = 'pending'
    on conflict (picture_id) do update
    set attempts = thumbnails_renderclaim.attempts + 1, leased_until = excluded.leased_until
    where thumbnails_renderclaim.attempts < %(max_attempts)s
        and coalesce(thumbnails_renderclaim.leased_until <= %(now)s, true)
    returning attempts
"""


# Written out, since Django takes longer to compile these than a database to run them.
_MARK_READY = """
    update images_picture
    set rendering = 'ready', render_failure = '', thumbhash = coalesce(%(thumbhash)s, thumbhash),
        dominant_color = coalesce(%(dominant_color)s, dominant_color)
    where id = %(picture)s and render_revision = %(revision)s
"""
_DELETE_CLAIM = """
    delete from thumbnails_renderclaim where picture_id = %s and beside_due_at is null
"""
_OWE_BESIDE = """
    update thumbnails_renderclaim
    set attempts = 0, failures = 0, leased_until = null, beside_due_at = %s
    where picture_id = %s
"""
_CLAIM_BESIDE = """
    update thumbnails_renderclaim set attempts = attempts + 1, leased_until = %(lease_end)s
    where picture_id = %(picture)s and beside_due_at is not null and attempts < %(max_attempts)s
        and coalesce(leased_until <= %(now)s, true)
        and exists (select 1 from images_picture where id = %(picture)s and rendering = 'ready')
    returning attempts
"""


def claim(picture_id: int) -> Picture | None:
    """Take a pending picture for rendering, with its owner and tier; None if it cannot be taken.

    Mark it as failed permanently if its attempts are used up.
    """
    if _take_lease(picture_id):
        picture = Picture.objects.find_by_id(picture_id)
        if picture is None:
            RenderClaim.objects.filter(pk=picture_id).delete()
        return picture
    used_up = _unleased().filter(pk=picture_id, attempts__gte=MAX_ATTEMPTS)
    for picture in Picture.objects.pending().filter(pk__in=used_up.values("pk")):
        mark_failed(picture, ATTEMPTS_USED_UP)
    return None


def _take_lease(picture_id: int) -> bool:
    adapt = connection.ops.adapt_datetimefield_value
    values = {
        "picture": picture_id,
        "now": adapt(timezone.now()),
        "lease_end": adapt(_new_lease_end()),
        "max_attempts": MAX_ATTEMPTS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, values)
        return cursor.fetchone() is not None


def _unleased() -> QuerySet[RenderClaim]:
    now = timezone.now()
    return RenderClaim.objects.filter(Q(leased_until=None) | Q(leased_until__lte=now))


def is_leased() -> Exists:
    """Return a condition on pictures: a worker renders them now."""
    leased = RenderClaim.objects.filter(pk=OuterRef("pk"), leased_until__gt=timezone.now())
    return Exists(leased)


def give_all_attempts(picture_ids: Collection[int]) -> None:
    """Forget what went wrong with pictures; a worker that renders one goes on."""
    RenderClaim.objects.filter(pk__in=picture_ids).update(attempts=0, failures=0)


def remove_orphans() -> None:
    """Remove the claims of pictures that an older release deleted."""
    _unleased().exclude(Exists(Picture.objects.filter(pk=OuterRef("pk")))).delete()


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
    leased = RenderClaim.objects.filter(pk=picture_id).exclude(leased_until=None)
    try:
        leased.update(leased_until=_new_lease_end())
    except DATABASE_AWAY as error:
        # At worst another worker claims the picture too, and one of the renderings is wasted.
        logger.warning("a lease was not renewed: %s", type(error).__name__)
        connection.close()


def return_attempt(picture: Picture) -> None:
    """End the lease without counting the attempt: it failed for no fault of the picture."""
    _ask_again(picture, timezone.now() + OUTAGE_RETRY_DELAY)
    RenderClaim.objects.filter(pk=picture.pk, attempts__gt=0).update(
        attempts=F("attempts") - 1, leased_until=None
    )


def count_failure(picture: Picture, reason: str) -> None:
    """End the lease after a failure, the last of which is permanent."""
    RenderClaim.objects.filter(pk=picture.pk).update(failures=F("failures") + 1)
    if RenderClaim.objects.filter(pk=picture.pk, failures__gte=MAX_FAILURES).exists():
        mark_failed(picture, reason)
        return
    _ask_again(picture, timezone.now())
    RenderClaim.objects.filter(pk=picture.pk).update(leased_until=None)


def _ask_again(picture: Picture, at: datetime) -> None:
    Picture.objects.filter(pk=picture.pk).update(render_ask_at=at)


def mark_rendered(picture: Picture, *, lacks_beside: bool = False, **placeholders: str) -> bool:
    """End the claim of a rendered picture and save its placeholders.

    Return whether the picture is ready. It stays pending when thumbnails were requested again since
    the claim. Raise Picture.DoesNotExist when it was deleted meanwhile. In a transaction the row
    is locked from then on. Where the thumbnails lack what is to lie beside them, the claim says so.
    """
    found = {"thumbhash": None, "dominant_color": None} | placeholders
    revision = {"picture": picture.pk, "revision": picture.render_revision}
    is_ready = _execute(_MARK_READY, found | revision)
    if not is_ready:
        row = Picture.objects.filter(pk=picture.pk)
        if not row.update(render_ask_at=timezone.now(), **placeholders):
            raise Picture.DoesNotExist
    # Thumbnails that were there before may lack it too.
    if lacks_beside or not _execute(_DELETE_CLAIM, [picture.pk]):
        due_at = connection.ops.adapt_datetimefield_value(_new_lease_end() + BESIDE_PATIENCE)
        _execute(_OWE_BESIDE, [due_at, picture.pk])
    return bool(is_ready)


def _execute(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> int:
    """Run a statement and return how many rows it has changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def find_beside_due() -> int | None:
    """Return a picture whose worker has not made what is to lie beside its thumbnails, or None."""
    due = _unleased().filter(beside_due_at__lte=timezone.now(), attempts__lt=MAX_ATTEMPTS)
    ready = due.filter(picture__rendering=Picture.Rendering.READY)
    return ready.order_by("beside_due_at").values_list("pk", flat=True).first()


def claim_beside(picture_id: int) -> tuple[Picture, int] | None:
    """Take a picture for what is to lie beside its thumbnails; return it and the attempt's number.

    None where nothing is, where somebody else is at it, and while the picture is pending: its turn
    comes once it is ready.
    """
    adapt = connection.ops.adapt_datetimefield_value
    values = {
        "picture": picture_id,
        "now": adapt(timezone.now()),
        "lease_end": adapt(_new_lease_end()),
        "max_attempts": MAX_ATTEMPTS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_BESIDE, values)
        row = cursor.fetchone()
    picture = Picture.objects.find_by_id(picture_id) if row else None
    return (picture, int(row[0])) if picture else None


def end_beside(picture_id: int) -> None:
    """Say that nothing more is to lie beside a picture's thumbnails."""
    _execute("delete from thumbnails_renderclaim where picture_id = %s", [picture_id])


def return_beside(picture_id: int) -> None:
    """End the lease without counting the attempt: it failed for no fault of the picture."""
    RenderClaim.objects.filter(pk=picture_id, attempts__gt=0).update(
        attempts=F("attempts") - 1,
        leased_until=None,
        beside_due_at=timezone.now() + OUTAGE_RETRY_DELAY,
    )


def retry_beside(picture_id: int) -> None:
    """End the lease of an attempt that counts; the next one is due."""
    RenderClaim.objects.filter(pk=picture_id).update(
        leased_until=None, beside_due_at=timezone.now()
    )


def give_up_beside() -> None:
    """Leave the thumbnails as they are of pictures that ended their worker each time."""
    due = _unleased().filter(beside_due_at__lte=timezone.now(), attempts__gte=MAX_ATTEMPTS)
    ready = Picture.objects.filter(pk=OuterRef("pk"), rendering=Picture.Rendering.READY)
    due.filter(Exists(ready)).delete()


@transaction.atomic
def mark_failed(picture: Picture, reason: str) -> None:
    """Stop rendering a picture until staff request it again; `reason` is shown to people."""
    failed = (
        Picture.objects.pending()
        .filter(pk=picture.pk, render_revision=picture.render_revision)
        .update(
            rendering=Picture.Rendering.FAILED,
            render_failure=reason[:MAX_REASON_LENGTH],
        )
    )
    RenderClaim.objects.filter(pk=picture.pk).update(leased_until=None)
    if failed:
        picture.rendering, picture.render_failure = Picture.Rendering.FAILED, reason
        thumbnails_failed.send(sender=Picture, picture=picture)
        invalidate(picture.owner_id)
