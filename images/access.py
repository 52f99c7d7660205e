"""Who may see a picture, and which bytes of it: the one rule every door asks."""

from dataclasses import dataclass
from uuid import UUID

from accounts.models import User
from images.cleaned import clean_key_of
from images.decoding import CONTENT_TYPES
from images.exceptions import NoActivePicture, NotReady, NotRenderable
from images.models import Picture


@dataclass(frozen=True, slots=True)
class Rendition:
    """Stored bytes that may leave, and what they are."""

    key: str
    content_type: str


def may_see(viewer: User | None, picture: Picture) -> bool:
    """Tell whether a viewer (None: not signed in) may know that a picture exists."""
    if viewer is not None and may_change(viewer, picture):
        return True
    if picture.visibility == Picture.Visibility.MEMBERS:
        return viewer is not None
    return picture.visibility == Picture.Visibility.PUBLIC


def may_change(viewer: User, picture: Picture) -> bool:
    """Tell whether a viewer may change or delete a picture."""
    return may_act_for(viewer, picture.owner_id)


def may_act_for(actor: User, owner_id: UUID) -> bool:
    """Tell whether someone may add, change and delete the pictures of an account."""
    return actor.is_staff or actor.pk == owner_id


def active_picture(viewer: User | None, owner_id: UUID) -> Picture:
    """Return the picture that shows an account to a viewer; raises NoActivePicture."""
    found: Picture | None = Picture.objects.owned_by(owner_id).active().visible_to(viewer).first()
    if found is None:
        raise NoActivePicture
    return found


def grants_original(viewer: User | None, owner: User) -> bool:
    """Tell whether a viewer who may see an owner's picture gets the original of it."""
    return owner.tier.grants_original or owner.is_staff or (viewer is not None and viewer.is_staff)


def bytes_for(viewer: User | None, picture: Picture, *, by_link: bool = False) -> Rendition:
    """Return what a viewer gets of a picture whose owner and tier are loaded.

    Raises Picture.DoesNotExist where the viewer may not see it, NotReady while a thumbnail is
    being made, NotRenderable where there is none and none is being made, and CleaningFailed when an
    original cannot be freed of what only its owner may see.
    """
    if not by_link and not may_see(viewer, picture):
        raise Picture.DoesNotExist
    if not grants_original(viewer, picture.owner):
        return _best_thumbnail(picture)
    own = viewer is not None and may_change(viewer, picture)
    key = picture.key if own or not picture.owner.tier.cleans_originals else clean_key_of(picture)
    return Rendition(key, CONTENT_TYPES[picture.format])


def pixels_for(viewer: User | None, picture: Picture) -> str:
    """Return the key of the best bytes to render from for a viewer; raises as `bytes_for` does.

    What is rendered tells nothing, so that an original needs no cleaning here.
    """
    if not may_see(viewer, picture):
        raise Picture.DoesNotExist
    if grants_original(viewer, picture.owner):
        return picture.key
    return _best_thumbnail(picture).key


def _best_thumbnail(picture: Picture) -> Rendition:
    """Return the tallest that the owner's tier grants."""
    granted = picture.owner.tier.heights.values("height")
    best = picture.thumbnails.filter(height__in=granted).order_by("-height").first()
    if best is None:
        raise NotReady if picture.rendering == Picture.Rendering.PENDING else NotRenderable
    return Rendition(best.key, best.content_type)
