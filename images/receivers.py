"""What this package does when something happens: forget lists, remove files."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.signals import post_delete

from accounts.models import User
from accounts.signals import tier_changed
from images.caching import forget
from images.models import Picture
from images.signals import (
    picture_activated,
    picture_created,
    picture_deleted,
    picture_updated,
    pictures_cleared,
)
from images.storage import base as picture_storage


def connect() -> None:
    """Connect every receiver; called once, when Django is ready."""
    for signal in (picture_created, picture_updated, picture_activated, picture_deleted):
        signal.connect(_forget_lists_of_picture, dispatch_uid="images.forget_lists")
    pictures_cleared.connect(_forget_lists_of_owner, dispatch_uid="images.forget_lists")
    tier_changed.connect(_forget_lists_of_user, dispatch_uid="images.forget_lists")
    post_delete.connect(_remove_files, sender=Picture, dispatch_uid="images.remove_files")


def _forget_lists_of_picture(picture: Picture, **kwargs: Any) -> None:
    forget(picture.owner_id)


def _forget_lists_of_owner(owner_id: UUID, **kwargs: Any) -> None:
    forget(owner_id)


def _forget_lists_of_user(user: User, **kwargs: Any) -> None:
    forget(user.pk)


def _remove_files(instance: Picture, **kwargs: Any) -> None:
    """Remove what the row named, once it is gone for good; cascades and the admin come by here."""
    keys = sorted({instance.key, instance.clean_key} - {""})
    transaction.on_commit(partial(picture_storage.delete_all, keys), robust=True)
    forget(instance.owner_id)
