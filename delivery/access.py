"""Which bytes of a picture a viewer gets; `images.access` says who may see it at all."""

from dataclasses import dataclass

from accounts.models import User
from delivery.stripped_copies import clean_key_of
from images.access import may_change, may_see
from images.exceptions import NotReady, NotRenderable
from images.formats.registry import FORMATS
from images.models import Picture


@dataclass(frozen=True, slots=True)
class ServableFile:
    """Stored bytes that may leave, and what they are."""

    key: str
    content_type: str


def grants_original(viewer: User | None, owner: User) -> bool:
    """Tell whether a viewer who may see an owner's picture gets the original of it."""
    return owner.tier.grants_original or owner.is_staff or (viewer is not None and viewer.is_staff)


def file_for(viewer: User | None, picture: Picture, *, by_link: bool = False) -> ServableFile:
    """Return what a viewer gets of a picture whose owner and tier are loaded.

    Raises Picture.DoesNotExist where the viewer may not see it, NotReady while a thumbnail is
    being made, NotRenderable where there is none and none is being made, and StrippingFailed when
    an original cannot be freed of what only its owner may see.
    """
    if not by_link and not may_see(viewer, picture):
        raise Picture.DoesNotExist
    if not grants_original(viewer, picture.owner):
        return _best_thumbnail(picture)
    own = viewer is not None and may_change(viewer, picture)
    key = picture.key if own or not picture.owner.tier.cleans_originals else clean_key_of(picture)
    return ServableFile(key, FORMATS[picture.format].content_type)


def rendering_source_for(viewer: User | None, picture: Picture) -> str:
    """Return the key of the best bytes to render from for a viewer; raises as `file_for` does.

    What is rendered tells nothing, so that an original needs no cleaning here.
    """
    if not may_see(viewer, picture):
        raise Picture.DoesNotExist
    if grants_original(viewer, picture.owner):
        return picture.key
    return _best_thumbnail(picture).key


def _best_thumbnail(picture: Picture) -> ServableFile:
    """Return the tallest that the owner's tier grants."""
    best = picture.thumbnails.granted_to(picture.owner).order_by("-height").first()
    if best is None:
        raise NotReady if picture.rendering == Picture.Rendering.PENDING else NotRenderable
    return ServableFile(best.key, best.content_type)
