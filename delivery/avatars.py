"""Avatars: thumbnails of an account's active picture."""

from uuid import UUID

from accounts.models import User
from images.models import Picture
from thumbnails.models import Thumbnail

DEFAULT_HEIGHT = 200


def avatar_key(viewer: User | None, owner_id: UUID, height: int) -> str | None:
    """Return the key of the granted thumbnail nearest to a height in pixels; one query.

    None if the account has no active picture that the viewer may see, or no thumbnail of it yet.
    """
    active = Picture.objects.owned_by(owner_id).active().visible_to(viewer)
    granted = Thumbnail.objects.granted().filter(picture__in=active)
    keys: dict[int, str] = dict(granted.values_list("height", "key"))
    if not keys:
        return None
    return keys[min(keys, key=lambda each: (abs(each - height), each))]


def picture_of_thumbnail(key: str) -> Picture | None:
    """Return the picture, and owner, of a thumbnail that the owner's tier grants; one query."""
    granted = Thumbnail.objects.granted().filter(owner__removal_due_at=None)
    found = granted.select_related("picture__owner").filter(key=key).first()
    return found.picture if found else None
