"""The one picture that stands for an account: a thumbnail of its active picture."""

from uuid import UUID

from django.db.models import F, Q

from accounts.models import User
from images.models import Picture

USUAL_HEIGHT = 200
# Joins the thumbnails whose heights the owner's tier grants now.
_GRANTED = Q(owner__tier__heights__height=F("thumbnails__height"))


def avatar_key(viewer: User | None, owner_id: UUID, height: int) -> str | None:
    """Return the key of the granted thumbnail nearest to a height (pixels); one query.

    None where the account shows nothing to this viewer, or its thumbnails are still being made.
    """
    active = Picture.objects.owned_by(owner_id).active().visible_to(viewer)
    copies: dict[int, str] = dict(
        active.filter(_GRANTED).values_list("thumbnails__height", "thumbnails__key")
    )
    if not copies:
        return None
    return copies[min(copies, key=lambda each: (abs(each - height), each))]


def picture_of_thumbnail(key: str) -> Picture | None:
    """Return the picture of a thumbnail that its owner's tier grants; one query."""
    return Picture.objects.filter(_GRANTED, thumbnails__key=key).first()
