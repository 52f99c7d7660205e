"""The copy of an original without metadata, for anyone but its owner: made once, then stored."""

from pathlib import Path

from images.exceptions import PictureTooCostly, StrippingFailed
from images.ledger import Column, count_bytes
from images.models import Picture
from images.sandbox.work import strip_metadata
from images.sandbox.work_dir import temporary_dir
from images.storage.base import picture_storage
from images.storage.keys import copy_key
from images.storage.transactions import stored_files


class _AlreadyStored(Exception):
    """Another request was first, or the picture was deleted."""


def stripped_key(picture: Picture) -> str:
    """Return the key of the stripped copy, made on first use; the original's own if it is clean.

    Raise StrippingFailed, and Picture.DoesNotExist when the picture was deleted meanwhile. Of two
    requests that make the copy at once, the row keeps the first.
    """
    if not picture.clean_key:
        try:
            _make_stripped_copy(picture)
        except _AlreadyStored:
            picture.refresh_from_db(fields=["clean_key", "clean_bytes"])
    return picture.clean_key


def _make_stripped_copy(picture: Picture) -> None:
    extension = picture.key.rsplit(".", 1)[-1]
    with temporary_dir() as folder:
        source = picture_storage.copy_to(picture.key, Path(folder))
        target = source.with_name(f"stripped.{extension}")
        if not _strip(source, target, picture.format):
            _set_copy(picture, picture.key)
            return
        key = copy_key(picture.key, "clean", extension)
        with stored_files({key: target}):
            _set_copy(picture, key, target.stat().st_size)


def _strip(source: Path, target: Path, format_name: str) -> bool:
    try:
        return strip_metadata(source, target, format_name)
    except PictureTooCostly as error:
        raise StrippingFailed(str(error)) from error


def _set_copy(picture: Picture, key: str, size: int | None = None) -> None:
    without = Picture.objects.filter(pk=picture.pk, clean_key="")
    if not without.update(clean_key=key, clean_bytes=size):
        raise _AlreadyStored
    if size is not None:
        count_bytes(picture.owner_id, Column.OTHER, size)
    picture.clean_key, picture.clean_bytes = key, size
