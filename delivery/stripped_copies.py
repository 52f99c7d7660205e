"""The copy of an original that leaves to anyone but its owner: made once, kept beside it."""

from pathlib import Path

from images.exceptions import PictureTooCostly, StrippingFailed
from images.models import Picture
from images.sandbox.pool import run_sandboxed
from images.sandbox.work import strip_metadata
from images.sandbox.work_dir import temporary_dir
from images.storage.base import picture_storage
from images.storage.keys import copy_key
from images.storage.transactions import save_all


def clean_key_of(picture: Picture) -> str:
    """Return the key of the clean copy, made on first use; the original's own where it is clean.

    Raises StrippingFailed. Two makers at once each write a file; the row keeps the first.
    """
    return picture.clean_key or _kept(picture, _make(picture))


def _make(picture: Picture) -> str:
    extension = picture.key.rsplit(".", 1)[-1]
    with temporary_dir() as folder:
        source = picture_storage.copy_to(picture.key, Path(folder))
        target = source.with_name(f"clean.{extension}")
        if not _cleaned(source, target, picture.format):
            return picture.key
        key = copy_key(picture.key, "clean", extension)
        save_all({key: target})
    return key


def _cleaned(source: Path, target: Path, fmt: str) -> bool:
    try:
        return run_sandboxed(strip_metadata, source, target, fmt)
    except PictureTooCostly as killed:
        raise StrippingFailed(str(killed)) from killed


def _kept(picture: Picture, key: str) -> str:
    """Put the key in the row, or remove the file where another maker or a deletion was first."""
    if Picture.objects.filter(pk=picture.pk, clean_key="").update(clean_key=key):
        picture.clean_key = key
        return key
    if key != picture.key:
        picture_storage.delete(key)
    picture.refresh_from_db(fields=["clean_key"])
    return picture.clean_key
