"""The one picture that stands for an account: a thumbnail of its active picture."""

from uuid import UUID

from accounts.models import User
from images.models import Picture
from thumbnails.models import Thumbnail

DEFAULT_HEIGHT = 200


def avatar_key(viewer: User | None, owner_id: UUID, height: int) -> str | None:
    """Return the key of the granted thumbnail nearest to a height (pixels); one query.

    None where the account shows nothing to this viewer, or its thumbnails are still being made.
    """
    active = Picture.objects.owned_by(owner_id).active().visible_to(viewer)
    granted = Thumbnail.objects.granted().filter(picture__in=active)
    keys: dict[int, str] = dict(granted.values_list("height", "key"))
    if not keys:
        return None
    return keys[min(keys, key=lambda each: (abs(each - height), each))]


def picture_of_thumbnail(key: str) -> Picture | None:
    """Return the picture of a thumbnail that its owner's tier grants; one query."""
    found = Thumbnail.objects.granted().select_related("picture").filter(key=key).first()
    return found.picture if found else None
