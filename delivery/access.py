"""Which file of a picture a viewer gets; `images.access` says who may see the picture."""

from dataclasses import dataclass

from accounts.models import User
from delivery.stripped_copies import stripped_key
from images.access import may_change, may_see
from images.exceptions import NotReady, NotRenderable
from images.formats.registry import FORMATS
from images.models import Picture


@dataclass(frozen=True, slots=True)
class ServableFile:
    """A stored file that a viewer may have, and its media type."""

    key: str
    content_type: str


def grants_original(viewer: User | None, owner: User) -> bool:
    """Return whether a viewer who may see an owner's picture gets its original."""
    return owner.tier.grants_original or owner.is_staff or (viewer is not None and viewer.is_staff)


def file_for(viewer: User | None, picture: Picture, *, by_link: bool = False) -> ServableFile:
    """Return the file that a viewer gets of a picture whose owner and tier are loaded.

    Raise Picture.DoesNotExist if the viewer may not see it, NotReady while its thumbnails are
    rendered, NotRenderable if it has none and none is pending, and StrippingFailed if the metadata
    of an original cannot be removed.
    """
    if not by_link and not may_see(viewer, picture):
        raise Picture.DoesNotExist
    if not grants_original(viewer, picture.owner):
        return _best_thumbnail(picture)
    own = viewer is not None and may_change(viewer, picture)
    key = picture.key if own or not picture.owner.tier.cleans_originals else stripped_key(picture)
    return ServableFile(key, FORMATS[picture.format].content_type)


def rendering_source_for(viewer: User | None, picture: Picture) -> str:
    """Return the key of the best file to render from for a viewer; raise as `file_for` does.

    A rendition bears no metadata, so that the original needs no stripping here.
    """
    if not may_see(viewer, picture):
        raise Picture.DoesNotExist
    if grants_original(viewer, picture.owner):
        return picture.key
    return _best_thumbnail(picture).key


def _best_thumbnail(picture: Picture) -> ServableFile:
    best = picture.thumbnails.granted_to(picture.owner).order_by("-height").first()
    if best is None:
        raise NotReady if picture.rendering == Picture.Rendering.PENDING else NotRenderable
    return ServableFile(best.key, best.content_type)
