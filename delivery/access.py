"""Which file of a picture a viewer gets; `images.access` says who may see the picture."""

from dataclasses import dataclass

from accounts.models import User
from delivery.stored_renditions import JPEG, rendition_key
from delivery.stripped_copies import CopyNotKept, stripped_key
from images.access import may_change, may_see
from images.exceptions import NotReady, NotRenderable, StrippingFailed
from images.file_names import replace_extension
from images.formats.registry import FORMATS
from images.models import Picture
from images.permissions import PicturePermission, reaches_others
from thumbnails.models import Thumbnail


@dataclass(frozen=True, slots=True)
class ServableFile:
    """A stored file that a viewer may have, and its media type.

    `name` is the uploader's, for whoever may change the picture; "" means the name of ours.
    """

    key: str
    content_type: str
    name: str = ""


def grants_original(viewer: User | None, owner: User) -> bool:
    """Return whether a viewer who may see an owner's picture gets its original.

    The owner's tier says so. Superusers have no such limit, nor have staff for other people's
    pictures who have the permission to see them.
    """
    is_own = viewer is not None and viewer.pk == owner.pk
    # Of the two instances of one account, the session's: its rights may rest.
    is_superuser = viewer.is_superuser if viewer is not None and is_own else owner.is_superuser
    if owner.tier.grants_original or is_superuser:
        return True
    if viewer is None or is_own:
        return False
    return reaches_others(viewer, PicturePermission.VIEW)


def original_for(viewer: User | None, picture: Picture) -> ServableFile | None:
    """Return the original as a viewer who may see the picture gets it; None where not granted.

    As it was uploaded for whoever may change the picture, without metadata for everybody else: they
    get the best rendition where its metadata cannot be removed, and the best thumbnail while a disk
    takes no copy. Raise as `file_for` does.
    """
    if not grants_original(viewer, picture.owner):
        return None
    content_type, name = FORMATS[picture.format].content_type, name_for(viewer, picture)
    is_own = viewer is not None and may_change(viewer, picture)
    if is_own or not picture.owner.tier.cleans_originals:
        return ServableFile(picture.key, content_type, name)
    try:
        return ServableFile(stripped_key(picture), content_type, name)
    except CopyNotKept:
        # Nor is there room for a rendition.
        return _best_thumbnail(picture)
    except StrippingFailed:
        return _best_rendition(picture)


def _best_rendition(picture: Picture) -> ServableFile:
    """Return the whole picture as JPEG, or the largest thumbnail of one that moves there too."""
    if picture.frames > 1 and FORMATS[picture.format].keeps_animation:
        return _best_thumbnail(picture)
    try:
        return ServableFile(rendition_key(picture, picture.key, None), JPEG)
    except NotRenderable:
        return _best_thumbnail(picture)


def file_for(viewer: User | None, picture: Picture, *, by_link: bool = False) -> ServableFile:
    """Return the file that a viewer gets of a picture whose owner and tier are loaded.

    Raise Picture.DoesNotExist if the viewer may not see it, NotReady while its thumbnails are
    rendered, and NotRenderable if it has none and none is pending.
    """
    if not by_link and not may_see(viewer, picture):
        raise Picture.DoesNotExist
    original = original_for(viewer, picture)
    if original:
        return original
    best = _best_thumbnail(picture)
    name = in_format_of(name_for(viewer, picture), best.key)
    return ServableFile(best.key, best.content_type, name)


def is_original(picture: Picture, file: ServableFile) -> bool:
    """Return whether a file of a picture is the original, or its copy without metadata."""
    return file.key in {picture.key, picture.clean_key}


def size_in_pixels(picture: Picture, file: ServableFile) -> tuple[int, int]:
    """Return width and height of a file of a picture, as they are shown."""
    if is_original(picture, file):
        return picture.width, picture.height
    sizes = Thumbnail.objects.filter(key=file.key).values_list("width_px", "height_px")
    # What is no thumbnail is a rendition as large as the picture.
    return sizes.first() or (picture.width, picture.height)


def name_for(viewer: User | None, picture: Picture) -> str:
    """Return the uploader's file name for whoever may change the picture, "" for everybody else."""
    return picture.name if viewer is not None and may_change(viewer, picture) else ""


def in_format_of(name: str, key: str) -> str:
    """Return a name for a file that was made of the one that is called so; "" stays so."""
    return replace_extension(name, key.rpartition(".")[2]) if name else ""


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
    """Return the tallest granted thumbnail; before there is one, a lower one of a former height."""
    best = (
        picture.thumbnails.granted_to(picture.owner).order_by("-height").first()
        or picture.thumbnails.standing_in_for(picture.owner).order_by("-height").first()
    )
    if best is None:
        raise NotReady if picture.rendering == Picture.Rendering.PENDING else NotRenderable
    return ServableFile(best.key, best.content_type)
