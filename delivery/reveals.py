"""What whoever opens a link to a picture gets: the file, and what of the original it lacks."""

from dataclasses import dataclass
from pathlib import Path

from delivery.access import ServableFile, file_for, is_original, size_in_pixels
from delivery.file_responses import shown_name
from images.exceptions import PictureTooCostly, StrippingFailed
from images.formats.metadata_groups import DroppedItem, MetadataGroup
from images.formats.registry import FORMATS
from images.models import Picture
from images.sandbox.work import list_dropped
from images.sandbox.work_dir import temporary_dir
from images.storage.base import picture_storage

# Where an original cannot be stripped, nothing of it but pixels leaves.
_EVERYTHING = DroppedItem(MetadataGroup.OTHER, "everything but the pixels")


@dataclass(frozen=True, slots=True)
class Reveal:
    """The file that leaves by a link, as it is named and sent, and the metadata it lacks."""

    format: str
    width: int
    height: int
    bytes: int
    name: str
    dropped: list[DroppedItem]


def reveal(picture: Picture) -> Reveal:
    """Return what leaves by a link of a picture whose owner and tier are loaded.

    A stripped copy is made where there is none yet, as the first opening would. Raise what
    `file_for` does, and FileNotFoundError.
    """
    file = file_for(None, picture, by_link=True)
    width, height = size_in_pixels(picture, file)
    return Reveal(
        format=_format_of(file),
        width=width,
        height=height,
        bytes=picture_storage.size(file.key),
        name=shown_name(file.key, file.name),
        dropped=[] if file.key == picture.key else _list_dropped(picture, file),
    )


def _format_of(file: ServableFile) -> str:
    return next(each.name for each in FORMATS.values() if each.content_type == file.content_type)


def _list_dropped(picture: Picture, file: ServableFile) -> list[DroppedItem]:
    is_rendition = not is_original(picture, file)
    with temporary_dir() as folder:
        source = picture_storage.copy_to(picture.key, Path(folder))
        try:
            return list_dropped(source, picture.format, is_rendition=is_rendition)
        except (StrippingFailed, PictureTooCostly):
            return [_EVERYTHING]
