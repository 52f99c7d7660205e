"""What this package does when something happens: rows inside the transaction, messages after it."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete

from accounts.models import User
from accounts.signals import tier_changed
from images.models import Picture
from images.signals import picture_created, thumbnails_requested
from images.storage.base import picture_storage
from thumbnails.models import Rendition, Thumbnail
from thumbnails.sweeping import begin_recheck
from thumbnails.tasks import ask, ask_for_recheck
from tiers.models import Tier
from tiers.signals import thumbnails_changed


def connect() -> None:
    """Connect every receiver; called once, when Django is ready."""
    picture_created.connect(_ask_for_one, dispatch_uid="thumbnails.ask")
    thumbnails_requested.connect(_ask_for_several, dispatch_uid="thumbnails.ask")
    thumbnails_changed.connect(_recheck_tier, dispatch_uid="thumbnails.recheck")
    tier_changed.connect(_recheck_owner, dispatch_uid="thumbnails.recheck")
    post_delete.connect(_remove_files, sender=Thumbnail, dispatch_uid="thumbnails.remove_files")
    post_delete.connect(_remove_files, sender=Rendition, dispatch_uid="thumbnails.remove_files")


def _ask_for_one(picture: Picture, **kwargs: Any) -> None:
    transaction.on_commit(partial(ask, picture.pk), robust=True)


def _ask_for_several(picture_ids: list[int], *, replace: bool, **kwargs: Any) -> None:
    if replace:
        Thumbnail.objects.filter(picture__in=picture_ids).update(is_stale=True)
    for picture_id in picture_ids:
        transaction.on_commit(partial(ask, picture_id), robust=True)


def _recheck_tier(tier: Tier, **kwargs: Any) -> None:
    begin_recheck(tier=tier)
    transaction.on_commit(ask_for_recheck, robust=True)


def _recheck_owner(user: User, **kwargs: Any) -> None:
    begin_recheck(owner=user)
    transaction.on_commit(ask_for_recheck, robust=True)


def _remove_files(instance: Thumbnail | Rendition, **kwargs: Any) -> None:
    """Remove the files of a row that is gone, and what was rendered from it."""
    keys = instance.keys if isinstance(instance, Thumbnail) else [instance.key]
    if isinstance(instance, Thumbnail):
        Rendition.objects.filter(source_key=instance.key).delete()
    transaction.on_commit(partial(picture_storage.delete_many, keys), robust=True)
