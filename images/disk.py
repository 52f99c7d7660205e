"""Pictures in a folder on disk."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage

from images.walking import Stored, walk_folder


class DiskStorage(FileSystemStorage):
    """Files on disk that are whole and durable once `save` returns."""

    # Browsers get them from this service.
    origin = ""

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

    def address(self, key: str, begins: int, seconds: int) -> str:
        """Return nothing: a file on disk has no address of its own."""
        return ""

    def walk(self, folder: str) -> Iterator[Stored]:
        """Yield the files below a folder (it ends with a slash) in the byte order of their keys."""
        return walk_folder(Path(self.location), folder)

    def move(self, key: str, to: str) -> None:
        """Give a file another key; raises FileNotFoundError."""
        target = Path(self.path(to))
        target.parent.mkdir(parents=True, exist_ok=True)
        Path(self.path(key)).rename(target)
        _sync_folder(target.parent)

    def check(self) -> None:
        """Raise OSError where nothing can be written."""
        folder = Path(self.location)
        while not folder.exists():
            folder = folder.parent
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} is not writable.")


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
