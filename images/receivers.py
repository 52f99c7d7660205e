"""What this package does on signals: invalidate cached lists, delete stored files."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models.signals import post_delete, post_save

from accounts.models import User
from accounts.signals import tier_changed
from images.caching import invalidate
from images.changes import announce_change
from images.ledger import Usage, uncount_deleted
from images.models import Picture
from images.signals import (
    picture_activated,
    picture_created,
    picture_deleted,
    picture_updated,
    pictures_cleared,
    pictures_deleted,
    pictures_updated,
)
from tiers.models import Tier, TierHeight

# The columns of an account that decide whether its links open, and what they give.
_RIGHTS = frozenset({"is_active", "is_superuser", "tier", "tier_id", "removal_due_at"})


def connect() -> None:
    """Connect every receiver; called once, when Django is ready."""
    for signal in (picture_created, picture_updated, picture_activated, picture_deleted):
        signal.connect(_invalidate_lists_of_picture, dispatch_uid="images.invalidate_lists")
    for signal in (pictures_updated, pictures_deleted, pictures_cleared):
        signal.connect(_invalidate_lists_of_owner, dispatch_uid="images.invalidate_lists")
    tier_changed.connect(_invalidate_lists_of_moved, dispatch_uid="images.invalidate_lists")
    post_save.connect(_announce_account, sender=User, dispatch_uid="images.announce")
    for signal in (post_save, post_delete):
        for sender in (Tier, TierHeight):
            signal.connect(_announce_tier, sender=sender, dispatch_uid="images.announce")
    post_delete.connect(_uncount_picture, sender=Picture, dispatch_uid="images.uncount")
    post_delete.connect(_delete_usage, sender=User, dispatch_uid="images.delete_usage")


def _invalidate_lists_of_picture(picture: Picture, **kwargs: Any) -> None:
    invalidate(picture.owner_id)


def _invalidate_lists_of_owner(owner_id: UUID, **kwargs: Any) -> None:
    invalidate(owner_id)


def _invalidate_lists_of_moved(user_ids: list[UUID], **kwargs: Any) -> None:
    for user_id in user_ids:
        invalidate(user_id)


def _announce_account(instance: User, update_fields: Iterable[str] | None, **kwargs: Any) -> None:
    """Also where the admin or a command writes the row, past our services."""
    if update_fields is None or not _RIGHTS.isdisjoint(update_fields):
        announce_change(instance.pk)


def _announce_tier(**kwargs: Any) -> None:
    announce_change(None)


def _uncount_picture(instance: Picture, origin: object, **kwargs: Any) -> None:
    """Have the row's files removed; deletions by cascade and by the admin come here too."""
    uncount_deleted(instance, origin)
    invalidate(instance.owner_id)


def _delete_usage(instance: User, **kwargs: Any) -> None:
    Usage.objects.filter(owner=instance.pk).delete()
