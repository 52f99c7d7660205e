"""What this package does on signals: write rows in the transaction, send messages after it."""

from typing import Any
from uuid import UUID

from django.db.models.signals import post_delete

from accounts.signals import tier_changed
from images.ledger import model_of, uncount_deleted
from images.models import Picture
from images.signals import picture_created, thumbnails_requested
from lib.after_commit import run_after_commit
from lib.batches import in_batches
from thumbnails.backfills import MAX_ACCOUNTS, start_backfill
from thumbnails.claims import give_all_attempts
from thumbnails.models import Rendition, Thumbnail
from thumbnails.tasks import enqueue_backfill, enqueue_upload
from tiers.models import Tier
from tiers.signals import thumbnails_changed


def connect() -> None:
    """Connect every receiver; called once, when Django is ready."""
    picture_created.connect(_enqueue_picture, dispatch_uid="thumbnails.enqueue")
    thumbnails_requested.connect(_enqueue_backfill, dispatch_uid="thumbnails.enqueue")
    thumbnails_changed.connect(_backfill_tier, dispatch_uid="thumbnails.backfill")
    tier_changed.connect(_backfill_moved, dispatch_uid="thumbnails.backfill")
    post_delete.connect(_uncount_thumbnail, sender=Thumbnail, dispatch_uid="thumbnails.uncount")
    post_delete.connect(_uncount_rendition, sender=Rendition, dispatch_uid="thumbnails.uncount")


def _enqueue_picture(picture: Picture, **kwargs: Any) -> None:
    run_after_commit(enqueue_upload, picture.pk)


def _enqueue_backfill(picture_ids: list[int], *, replace: bool, **kwargs: Any) -> None:
    give_all_attempts(picture_ids)
    if replace:
        Thumbnail.objects.filter(picture__in=picture_ids).update(is_stale=True)
    run_after_commit(enqueue_backfill)


def _backfill_tier(tier: Tier, **kwargs: Any) -> None:
    start_backfill(tier=tier)
    run_after_commit(enqueue_backfill)


def _backfill_moved(user_ids: list[UUID], tier: Tier, **kwargs: Any) -> None:
    if len(user_ids) == 1:
        start_backfill(owner=user_ids[0])
    else:
        for accounts in in_batches(user_ids, MAX_ACCOUNTS):
            start_backfill(tier=tier, accounts=accounts)
    run_after_commit(enqueue_backfill)


def _uncount_thumbnail(instance: Thumbnail, origin: object, **kwargs: Any) -> None:
    """Have the row's files removed, and the renditions made of it deleted.

    Those go by the cascade already where the picture or the account is deleted.
    """
    uncount_deleted(instance, origin)
    if model_of(origin) is Thumbnail:
        Rendition.objects.filter(source_key=instance.key).delete()


def _uncount_rendition(instance: Rendition, origin: object, **kwargs: Any) -> None:
    uncount_deleted(instance, origin)
