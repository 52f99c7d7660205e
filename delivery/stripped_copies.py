"""The copy of an original without metadata, for anyone but its owner: made once, then stored."""

import logging
from dataclasses import dataclass
from pathlib import Path

from images.exceptions import PictureTooCostly, StrippingFailed
from images.formats.limits import MAX_TOTAL_PIXELS, Limits, RefusedPicture
from images.ledger import Column, RowFile, count_bytes, counted_transaction, uncount_file
from images.models import STRIPPING_VERSION, Picture
from images.sandbox.work import inspect_picture, strip_metadata
from images.sandbox.work_dir import temporary_dir
from images.storage.base import picture_storage
from images.storage.keys import copy_key
from images.storage.outages import is_outage
from images.storage.transactions import stored_files
from lib.parts import report_outage

logger = logging.getLogger(__name__)


class CopyNotKept(StrippingFailed):
    """There is no room for the copy at this moment; it can be made later."""


class _AlreadyStored(Exception):
    """Another request was first, or the picture was deleted."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """What a picture's row says of its copy; a key without bytes is the original's own."""

    key: str
    bytes: int | None


# Not made, and not to be tried again by this release.
_NO_COPY = _Copy("", None)


def stripped_key(picture: Picture) -> str:
    """Return the key of the stripped copy, made on first use; the original's own if it is clean.

    Raise StrippingFailed where none can be made, which the picture's row remembers, CopyNotKept
    where a disk takes no copy now, which no row does, and Picture.DoesNotExist when the picture was
    deleted meanwhile. Of two requests that make the copy at once, the row keeps the first.
    """
    if picture.clean_copy is None:
        try:
            _make_stripped_copy(picture)
        except _AlreadyStored:
            picture.refresh_from_db(fields=["clean_key", "clean_bytes", "clean_version"])
        except OSError as error:
            if not is_outage(error):
                raise
            report_outage("copies without metadata are not kept", error)
            raise CopyNotKept("There is no room for the copy.") from error
    if picture.clean_copy != Picture.CleanCopy.READY:
        raise StrippingFailed("The picture's metadata cannot be removed.")
    return picture.clean_key


def _make_stripped_copy(picture: Picture) -> None:
    extension = picture.key.rsplit(".", 1)[-1]
    with temporary_dir() as folder:
        source = picture_storage.copy_to(picture.key, Path(folder))
        target = source.with_name(f"stripped.{extension}")
        try:
            is_other = strip_metadata(source, target, picture.format)
            if is_other:
                _inspect(target, source, picture)
        except (StrippingFailed, PictureTooCostly) as error:
            logger.warning("picture %s leaves as a rendition: %s", picture.pk, error)
            with counted_transaction():
                _record(picture, _NO_COPY)
            return
        if not is_other:
            with counted_transaction():
                _record(picture, _Copy(picture.key, None))
            return
        key = copy_key(picture.key, "clean", extension)
        with stored_files({key: target}):
            _record(picture, _Copy(key, target.stat().st_size))


def _inspect(copy: Path, original: Path, picture: Picture) -> None:
    """Raise StrippingFailed unless an upload of the copy would be the same picture."""
    try:
        limits = Limits(max_bytes=copy.stat().st_size, max_pixels=MAX_TOTAL_PIXELS)
        found = inspect_picture(copy, limits)
        stored = (picture.format, picture.width, picture.height, picture.frames)
        if (found.format, found.width, found.height, found.frames) == stored:
            return
        # An earlier release may have told another size or number of frames of the original.
        limits = Limits(max_bytes=original.stat().st_size, max_pixels=MAX_TOTAL_PIXELS)
        if found != inspect_picture(original, limits):
            raise StrippingFailed("The stripped copy is another picture.")
    except RefusedPicture as refused:
        raise StrippingFailed(f"The stripped copy is refused: {refused}") from refused


def _record(picture: Picture, made: _Copy) -> None:
    """Write what was made, and have the copy removed that an earlier release made."""
    same = Picture.objects.filter(pk=picture.pk, clean_key=picture.clean_key)
    unchanged = same.filter(clean_version=picture.clean_version)
    if not unchanged.update(
        clean_key=made.key, clean_bytes=made.bytes, clean_version=STRIPPING_VERSION
    ):
        raise _AlreadyStored
    if picture.has_clean_copy:
        uncount_file(
            picture.owner_id, RowFile(Column.OTHER, picture.clean_key, picture.clean_bytes)
        )
    if made.bytes is not None:
        count_bytes(picture.owner_id, Column.OTHER, made.bytes)
    picture.clean_key, picture.clean_bytes = made.key, made.bytes
    picture.clean_version = STRIPPING_VERSION
