"""Nothing stays forgotten: pictures to ask for again, tiers whose pictures must be looked at."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from images.models import Picture
from images.services import request_thumbnails
from thumbnails.claims import ASK_AGAIN
from thumbnails.models import Recheck
from tiers.models import Tier

AT_ONCE = 500


def overdue(now: datetime | None = None) -> list[int]:
    """Return a batch of wanted pictures whose time to be asked for has come, and put it off."""
    now = now or timezone.now()
    due = Picture.objects.pending().filter(render_ask_at__lte=now).order_by("render_ask_at")
    picture_ids = list(due.values_list("pk", flat=True)[:AT_ONCE])
    Picture.objects.filter(pk__in=picture_ids).update(render_ask_at=now + ASK_AGAIN)
    return picture_ids


def put_back(picture_ids: list[int]) -> None:
    """Let the next sweep ask again: the broker took no message for these."""
    if picture_ids:
        Picture.objects.pending().filter(pk__in=picture_ids).update(render_ask_at=timezone.now())


def begin_recheck(*, tier: Tier | None = None, owner: User | None = None) -> None:
    """Have every picture of a tier or an owner looked at, in batches; survives any process."""
    Recheck.objects.create(tier=tier, owner=owner)


@transaction.atomic
def recheck_batch() -> bool:
    """Make one more batch of pictures wanted again; returns whether there may be more to do."""
    walk = Recheck.objects.select_for_update(skip_locked=True).order_by("pk").first()
    if walk is None:
        return False
    pictures = Picture.objects.filter(pk__gt=walk.after_id)
    pictures = (
        pictures.filter(owner=walk.owner_id)
        if walk.owner_id
        else pictures.filter(owner__tier=walk.tier_id)
    )
    picture_ids = list(pictures.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if picture_ids:
        request_thumbnails(picture_ids)
        walk.after_id = picture_ids[-1]
        walk.save(update_fields=["after_id"])
    else:
        walk.delete()
    return True


def want_older_pictures_again() -> int:
    """Ask for every picture that was rendered before renderings left a placeholder of it.

    Each batch is a commit of its own. Returns how many pictures they were.
    """
    older = Picture.objects.filter(rendering=Picture.Rendering.READY, thumbhash="").order_by("pk")
    count = after_id = 0
    while batch := list(older.filter(pk__gt=after_id).values_list("pk", flat=True)[:AT_ONCE]):
        request_thumbnails(batch)
        count, after_id = count + len(batch), batch[-1]
    return count
