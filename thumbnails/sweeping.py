"""What the scheduler's sweep finds to do: overdue pictures, and backfills after tier changes."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from images.models import Picture
from images.services import request_thumbnails
from thumbnails.claims import RETRY_INTERVAL
from thumbnails.models import Backfill
from tiers.models import Tier

BATCH_SIZE = 500


def take_overdue(now: datetime | None = None) -> list[int]:
    """Return a batch of pending pictures that are due for a retry, and postpone their next one."""
    now = now or timezone.now()
    due = Picture.objects.pending().filter(render_ask_at__lte=now).order_by("render_ask_at")
    picture_ids = list(due.values_list("pk", flat=True)[:BATCH_SIZE])
    Picture.objects.filter(pk__in=picture_ids).update(render_ask_at=now + RETRY_INTERVAL)
    return picture_ids


def retry_at_next_sweep(picture_ids: list[int]) -> None:
    """Make pictures due again: the broker accepted no message for them."""
    if picture_ids:
        Picture.objects.pending().filter(pk__in=picture_ids).update(render_ask_at=timezone.now())


def start_backfill(*, tier: Tier | None = None, owner: User | None = None) -> None:
    """Have the thumbnails of all pictures of a tier or an owner requested, batch by batch."""
    Backfill.objects.create(tier=tier, owner=owner)


@transaction.atomic
def run_backfill_batch() -> bool:
    """Request the thumbnails of one more batch of pictures; return whether there may be more."""
    backfill = Backfill.objects.select_for_update(skip_locked=True).order_by("pk").first()
    if backfill is None:
        return False
    pictures = Picture.objects.filter(pk__gt=backfill.after_id)
    if backfill.owner_id:
        pictures = pictures.filter(owner=backfill.owner_id)
    else:
        pictures = pictures.filter(owner__tier=backfill.tier_id)
    picture_ids = list(pictures.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
    if picture_ids:
        request_thumbnails(picture_ids)
        backfill.after_id = picture_ids[-1]
        backfill.save(update_fields=["after_id"])
    else:
        backfill.delete()
    return True


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
