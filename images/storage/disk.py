"""Pictures in a folder on disk."""

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from django.conf import settings
from django.utils._os import safe_join

from images.exceptions import StorageAway
from images.storage.base import PictureStorage
from images.storage.keys import USERS
from images.storage.listing import StoredFile, walk_folder
from lib import durable_files
from lib.room import check_room

# Pictures are private: for the service's user, and for its group, to which nginx belongs.
_FILE_MODE, _FOLDER_MODE = 0o640, 0o750
_CHUNK_SIZE = 64 * 1024
# The folder of the last file that leaves goes, perhaps before the next file is in it.
_MAX_FOLDERS_MADE = 5


class DiskStorage(PictureStorage):
    """A folder: `location`, or else MEDIA_ROOT. Browsers get its files from this service."""

    def __init__(self, location: str | Path | None = None) -> None:
        self._location = location

    @property
    def root(self) -> Path:
        """The folder's absolute path; links are not followed."""
        return Path(os.path.abspath(self._location or settings.MEDIA_ROOT))  # noqa: PTH100

    @property
    def folder(self) -> Path:
        return self.root

    @property
    def url(self) -> str:
        return self.root.as_uri()

    def check(self) -> None:
        folder = self.root
        while not folder.exists():
            folder = folder.parent
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} is not writable.")
        self._refuse_unmounted()

    def check_room(self) -> None:
        if self.root.is_dir():
            check_room(self.root)

    def is_mounted(self) -> bool:
        return (self.root / USERS).is_dir()

    def _refuse_unmounted(self) -> None:
        """Raise StorageAway where files are expected and not even the folder of them all is there.

        So looks the empty mount point of a share. Whether files are expected is asked only where
        the folder is not there: before the first picture of all, or in trouble.
        """
        if self.is_mounted() or not self.expects_files():
            return
        # Looked at anew: somebody else's first picture of all may have been stored meanwhile.
        if not self.is_mounted():
            raise StorageAway(f"There is no folder {USERS}: is the share mounted?")

    @contextmanager
    def _missing_or_away(self) -> Iterator[None]:
        """A file that is missing together with all others is not missing."""
        try:
            yield
        except FileNotFoundError:
            self._refuse_unmounted()
            raise

    def _path(self, key: str) -> Path:
        """Return a file's path; raise SuspiciousFileOperation for a key that leaves the folder."""
        return Path(safe_join(self.root, key))

    def open(self, key: str) -> IO[bytes]:
        with self._missing_or_away():
            return self._path(key).open("rb")

    def size(self, key: str) -> int:
        with self._missing_or_away():
            return self._path(key).stat().st_size

    def walk(self, folder: str = f"{USERS}/") -> Iterator[StoredFile]:
        self._refuse_unmounted()
        return walk_folder(self.root, folder)

    def _write(self, key: str, file: IO[bytes]) -> None:
        """Write beside the target, flush to the disk, rename: never a half file under its name."""
        target = self._path(key)
        with _draft_of(target, file) as draft, durable_files.names_in(target.parent):
            draft.replace(target)

    def save_all(self, files: Mapping[str, Path]) -> None:
        """Flush the names in a folder together: each flush takes milliseconds."""
        targets = {key: self._path(key) for key in files}
        try:
            for key, target in targets.items():
                if self.exists(key):
                    raise FileExistsError(f"{key} is taken.")
                with files[key].open("rb") as file, _draft_of(target, file) as draft:
                    draft.replace(target)
        finally:
            # Also where one fails: whoever finds the others there takes them for stored.
            for folder in {each.parent for each in targets.values()}:
                # Whoever removed the folder meanwhile removed the files.
                with suppress(FileNotFoundError):
                    durable_files.sync_folder(folder)

    def move(self, key: str, to: str) -> None:
        source, target = self._path(key), self._path(to)
        self.size(key)  # raises before a folder is made where a share is not mounted
        durable_files.make_folder(target.parent, _FOLDER_MODE)
        source.rename(target)
        durable_files.sync_folder(target.parent)

    def delete(self, key: str) -> None:
        with suppress(FileNotFoundError), self._missing_or_away():
            self._path(key).unlink()

    def remove_empty_folder(self, folder: str) -> None:
        with suppress(OSError):  # something is in it, or it is gone
            self._path(folder).rmdir()


@contextmanager
def _draft_of(target: Path, file: IO[bytes]) -> Iterator[Path]:
    """Write a draft, whose bytes are on the disk, beside a file; the block renames it."""
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        _write_draft(draft, file)
        yield draft
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _write_draft(draft: Path, file: IO[bytes]) -> None:
    """Write it, with its folder; anew where that was emptied and removed in between."""
    for _ in range(_MAX_FOLDERS_MADE):
        durable_files.make_folder(draft.parent, _FOLDER_MODE)
        with suppress(FileNotFoundError):
            durable_files.write(draft, _chunks(file), _FILE_MODE)
            return
    raise FileNotFoundError(f"{draft.parent} does not stay.")


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(_CHUNK_SIZE):
        yield chunk
