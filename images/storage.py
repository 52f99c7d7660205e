"""Where the bytes live: one folder per account, file names made by us."""

import os
import shutil
import uuid
from pathlib import Path
from typing import IO
from uuid import UUID

from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage

USERS = "users"


class DiskStorage(FileSystemStorage):
    """Files on disk that are whole and durable once `save` returns."""

    def _save(self, name: str, content: File) -> str:  # type: ignore[type-arg]
        """Write beside the target, flush to the disk, rename: never a half file under its name."""
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
        try:
            _write_durably(draft, content)
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
        return name


def _write_durably(path: Path, content: File) -> None:  # type: ignore[type-arg]
    with path.open("wb") as file:
        for chunk in content.chunks():
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable (fsync(2): the directory needs its own)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def folder_of(owner_id: UUID) -> str:
    """Return the folder of an account's files."""
    return f"{USERS}/{owner_id}/"


def original_key(owner_id: UUID, uid: UUID, extension: str) -> str:
    """Return the key of a picture as uploaded."""
    return f"{folder_of(owner_id)}{uid}.{extension}"


def copy_key(original: str, mark: str, extension: str) -> str:
    """Return a fresh key for something made of an original; never one that was used before."""
    stem = original.rsplit(".", 1)[0]
    return f"{stem}_{mark}_{uuid.uuid4().hex[:8]}.{extension}"


def save(key: str, source: Path) -> None:
    """Store a file under a key of our making; durable on return."""
    with source.open("rb") as file:
        stored = default_storage.save(key, File(file))
    if stored != key:
        default_storage.delete(stored)
        raise FileExistsError(f"{key} is taken.")


def open_key(key: str) -> IO[bytes]:
    """Open stored bytes; raises FileNotFoundError."""
    return default_storage.open(key)


def delete(key: str) -> None:
    """Remove stored bytes; one that is gone already is fine."""
    default_storage.delete(key)


def delete_all(keys: list[str]) -> None:
    """Remove several."""
    for key in keys:
        delete(key)


def bring(key: str, folder: Path) -> Path:
    """Bring stored bytes into a folder: a second name of the same file where the disk allows it.

    Raises FileNotFoundError.
    """
    target = folder / key.rsplit("/", 1)[-1]
    try:
        target.hardlink_to(default_storage.path(key))
    except FileNotFoundError:
        raise
    except (NotImplementedError, OSError):  # not on this disk: another one, or S3
        with open_key(key) as stored, target.open("wb") as copy:
            shutil.copyfileobj(stored, copy)
    return target


def remove_folder(owner_id: UUID) -> None:
    """Remove an account's folder if it is empty; on S3 there are no folders to remove."""
    try:
        Path(default_storage.path(folder_of(owner_id))).rmdir()
    except (NotImplementedError, OSError):
        return
