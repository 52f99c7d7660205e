"""What this package does on signals: write rows in the transaction, send messages after it."""

from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete

from accounts.models import User
from accounts.signals import tier_changed
from images.models import Picture
from images.signals import picture_created, thumbnails_requested
from images.storage.base import picture_storage
from lib.after_commit import run_after_commit
from thumbnails.models import Rendition, Thumbnail
from thumbnails.sweeping import start_backfill
from thumbnails.tasks import enqueue, enqueue_backfill
from tiers.models import Tier
from tiers.signals import thumbnails_changed


def connect() -> None:
    """Connect every receiver; called once, when Django is ready."""
    picture_created.connect(_enqueue_picture, dispatch_uid="thumbnails.enqueue")
    thumbnails_requested.connect(_enqueue_pictures, dispatch_uid="thumbnails.enqueue")
    thumbnails_changed.connect(_backfill_tier, dispatch_uid="thumbnails.backfill")
    tier_changed.connect(_backfill_owner, dispatch_uid="thumbnails.backfill")
    post_delete.connect(_delete_files, sender=Thumbnail, dispatch_uid="thumbnails.delete_files")
    post_delete.connect(_delete_files, sender=Rendition, dispatch_uid="thumbnails.delete_files")


def _enqueue_picture(picture: Picture, **kwargs: Any) -> None:
    run_after_commit(enqueue, picture.pk)


def _enqueue_pictures(picture_ids: list[int], *, replace: bool, **kwargs: Any) -> None:
    if replace:
        Thumbnail.objects.filter(picture__in=picture_ids).update(is_stale=True)
    for picture_id in picture_ids:
        run_after_commit(enqueue, picture_id)


def _backfill_tier(tier: Tier, **kwargs: Any) -> None:
    start_backfill(tier=tier)
    transaction.on_commit(enqueue_backfill, robust=True)


def _backfill_owner(user: User, **kwargs: Any) -> None:
    start_backfill(owner=user)
    transaction.on_commit(enqueue_backfill, robust=True)


def _delete_files(instance: Thumbnail | Rendition, **kwargs: Any) -> None:
    """Delete a row's files on commit, and the renditions made of a deleted thumbnail."""
    keys = instance.keys if isinstance(instance, Thumbnail) else [instance.key]
    if isinstance(instance, Thumbnail):
        Rendition.objects.filter(source_key=instance.key).delete()
    run_after_commit(picture_storage.delete_many, keys)
