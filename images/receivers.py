"""What this package does on signals: invalidate cached lists, delete stored files."""

from typing import Any
from uuid import UUID

from django.db.models.signals import post_delete

from accounts.models import User
from accounts.signals import tier_changed
from images.caching import invalidate
from images.models import Picture
from images.signals import (
    picture_activated,
    picture_created,
    picture_deleted,
    picture_updated,
    pictures_cleared,
)
from images.storage.base import picture_storage
from lib.after_commit import run_after_commit


def connect() -> None:
    """Connect every receiver; called once, when Django is ready."""
    for signal in (picture_created, picture_updated, picture_activated, picture_deleted):
        signal.connect(_invalidate_lists_of_picture, dispatch_uid="images.invalidate_lists")
    pictures_cleared.connect(_invalidate_lists_of_owner, dispatch_uid="images.invalidate_lists")
    tier_changed.connect(_invalidate_lists_of_user, dispatch_uid="images.invalidate_lists")
    post_delete.connect(_delete_files, sender=Picture, dispatch_uid="images.delete_files")


def _invalidate_lists_of_picture(picture: Picture, **kwargs: Any) -> None:
    invalidate(picture.owner_id)


def _invalidate_lists_of_owner(owner_id: UUID, **kwargs: Any) -> None:
    invalidate(owner_id)


def _invalidate_lists_of_user(user: User, **kwargs: Any) -> None:
    invalidate(user.pk)


def _delete_files(instance: Picture, **kwargs: Any) -> None:
    """Delete the row's files on commit; deletions by cascade and by the admin come here too."""
    keys = sorted({instance.key, instance.clean_key} - {""})
    run_after_commit(picture_storage.delete_many, keys)
    invalidate(instance.owner_id)
