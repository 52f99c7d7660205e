"""Pictures in a folder on disk."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage

from images.storage.listing import Stored, walk_folder
from lib import durable_files

# Pictures are private: for the service's user, and for its group, to which nginx belongs.
_FILE, _FOLDER = 0o640, 0o750


class DiskStorage(FileSystemStorage):
    """Files on disk that are whole and durable once `save` returns."""

    # Browsers get them from this service.
    origin = ""

    def _save(self, name: str, content: File) -> str:  # type: ignore[type-arg]
        """Write beside the target, flush to the disk, rename: never a half file under its name."""
        target = Path(self.path(name))
        draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
        try:
            _write(draft, content)
            with durable_files.names_in(target.parent):
                draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
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
        durable_files.make_folder(target.parent, _FOLDER)
        Path(self.path(key)).rename(target)
        durable_files.sync_folder(target.parent)

    def has_folder(self, name: str) -> bool:
        """Tell whether the root holds a folder; the mount point of a missing share holds none."""
        return Path(self.location, name).is_dir()

    def check(self) -> None:
        """Raise OSError where nothing can be written."""
        folder = Path(self.location)
        while not folder.exists():
            folder = folder.parent
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} is not writable.")


def _write(draft: Path, content: File) -> None:  # type: ignore[type-arg]
    """Write it, with its folder; once more where that was emptied and removed in between."""
    durable_files.make_folder(draft.parent, _FOLDER)
    try:
        durable_files.write(draft, content.chunks(), _FILE)
    except FileNotFoundError:
        durable_files.make_folder(draft.parent, _FOLDER)
        durable_files.write(draft, content.chunks(), _FILE)
