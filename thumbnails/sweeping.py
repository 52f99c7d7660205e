"""Which pending pictures are to be rendered: overdue uploads, and what waits behind uploads."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from images.models import Picture
from images.services import request_thumbnails
from thumbnails.claims import RETRY_INTERVAL, is_leased

BATCH_SIZE = 500


def take_overdue(now: datetime | None = None) -> list[int]:
    """Return a batch of uploads that are due for a retry, and postpone their next one."""
    now = now or timezone.now()
    asked = Picture.objects.of_uploads().filter(render_ask_at__lte=now)
    due = asked.exclude(is_leased()).order_by("render_ask_at")
    picture_ids = list(due.values_list("pk", flat=True)[:BATCH_SIZE])
    Picture.objects.filter(pk__in=picture_ids).update(render_ask_at=now + RETRY_INTERVAL)
    return picture_ids


def give_back(picture_ids: list[int]) -> None:
    """Make pictures due again that were taken: nobody renders them now."""
    if picture_ids:
        Picture.objects.pending().filter(pk__in=picture_ids).update(render_ask_at=timezone.now())


@transaction.atomic
def take_wanted_again(count: int) -> list[int]:
    """Return some of the pictures that wait behind uploads, and postpone their next turn."""
    now = timezone.now()
    asked = Picture.objects.of_backfills().filter(render_ask_at__lte=now)
    due = asked.exclude(is_leased()).order_by("render_ask_at")
    locked = due.select_for_update(skip_locked=True, no_key=True)
    picture_ids = list(locked.values_list("pk", flat=True)[:count])
    Picture.objects.filter(pk__in=picture_ids).update(render_ask_at=now + RETRY_INTERVAL)
    return picture_ids


def request_missing_placeholders() -> int:
    """Request rendering of every picture without placeholders; return how many there were.

    Older releases rendered thumbnails alone. Each batch is a transaction of its own.
    """
    older = Picture.objects.filter(rendering=Picture.Rendering.READY, thumbhash="").order_by("pk")
    count = after_id = 0
    while batch := list(older.filter(pk__gt=after_id).values_list("pk", flat=True)[:BATCH_SIZE]):
        request_thumbnails(batch)
        count, after_id = count + len(batch), batch[-1]
    return count
