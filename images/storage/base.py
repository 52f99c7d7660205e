"""The storage in force, and what this service asks of it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast
from uuid import UUID

from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone

from images.exceptions import StorageAway
from images.models import Picture
from images.storage.keys import USERS, folder_of
from images.storage.listing import Stored

if TYPE_CHECKING:
    from images.storage.disk import DiskStorage
    from images.storage.s3 import S3PictureStorage

_COPIED_AT_ONCE = 1024**2
# A younger draft may be one that an upload is writing at this moment.
_DRAFT_IS_FORGOTTEN = timedelta(hours=1)


def _place() -> "DiskStorage | S3PictureStorage":
    """The storage in force; `config.env.storages` lets it be no other than these."""
    return cast("DiskStorage | S3PictureStorage", default_storage)


def address(key: str, begins: int, seconds: int) -> str:
    """Return the storage's own address of a key for so many seconds; empty for files on disk."""
    return _place().address(key, begins, seconds)


def origin() -> str:
    """Return scheme and host of the storage's own addresses; empty for files on disk."""
    return _place().origin


def walk(folder: str = f"{USERS}/") -> Iterator[Stored]:
    """Yield what is stored below a folder, in the byte order of the keys, in constant memory."""
    _refuse_unmounted()
    return _place().walk(folder)


def move(key: str, to: str) -> None:
    """Give stored bytes another key; raises FileNotFoundError."""
    with _missing_or_away():
        _place().move(key, to)


def check() -> None:
    """Raise where nothing can be stored: no such bucket, not ours, not mounted, or not writable."""
    _place().check()
    _refuse_unmounted()


def _refuse_unmounted() -> None:
    """Raise StorageAway where rows name files and not even the folder of them all is there.

    So looks the empty mount point of a share. The rows are asked only where the folder is not
    there: before the first picture of all, or in trouble.
    """
    if not _place().has_folder(USERS) and Picture.objects.exists():
        raise StorageAway(f"There is no folder {USERS}: is the share mounted?")


@contextmanager
def _missing_or_away() -> Iterator[None]:
    """A file that is missing with all others says nothing of itself."""
    try:
        yield
    except FileNotFoundError:
        _refuse_unmounted()
        raise


def size(key: str) -> int:
    """Return how many bytes are stored under a key; raises FileNotFoundError."""
    with _missing_or_away():
        return default_storage.size(key)


def exists(key: str) -> bool:
    """Tell whether bytes are stored under a key."""
    return default_storage.exists(key)


def save(key: str, source: Path) -> None:
    """Store a file under a key of our making; durable on return."""
    _refuse_unmounted()
    with source.open("rb") as file:
        stored = default_storage.save(key, File(file))
    if stored != key:
        default_storage.delete(stored)
        raise FileExistsError(f"{key} is taken.")


def open_key(key: str) -> IO[bytes]:
    """Open stored bytes; raises FileNotFoundError."""
    with _missing_or_away():
        return default_storage.open(key)


def delete(key: str) -> None:
    """Remove stored bytes; one that is gone already is fine."""
    default_storage.delete(key)


def delete_all(keys: list[str]) -> None:
    """Remove several."""
    for key in keys:
        delete(key)


def bring(key: str, folder: Path) -> Path:
    """Bring a copy of stored bytes into a folder; raises FileNotFoundError.

    Never a second name of the file itself: whatever works there could write to it.
    """
    target = folder / key.rsplit("/", 1)[-1]
    with open_key(key) as stored, target.open("wb") as copy:
        shutil.copyfileobj(stored, copy, _COPIED_AT_ONCE)
    return target


def empty_folder(owner_id: UUID) -> None:
    """Remove every file of an account, and the folder; harmless where there is none.

    The caller makes sure that no row names one of them.
    """
    folder = folder_of(owner_id)
    try:
        names = default_storage.listdir(folder)[1]
    except FileNotFoundError:
        return
    delete_all([folder + name for name in names if not _is_being_written(folder + name)])
    _remove_folder(folder)


def _is_being_written(key: str) -> bool:
    if not key.rsplit("/", 1)[-1].startswith("."):
        return False
    try:
        return timezone.now() - default_storage.get_modified_time(key) < _DRAFT_IS_FORGOTTEN
    except FileNotFoundError:  # it got its name, or was given up, just now
        return True


def _remove_folder(folder: str) -> None:
    """On S3 there are no folders to remove."""
    try:
        Path(default_storage.path(folder)).rmdir()
    except (NotImplementedError, OSError):
        return
