"""The interface of a picture storage, and the storage in force."""

import hashlib
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import IO, ClassVar, cast

from django.core.files.storage import storages
from django.utils import timezone
from django.utils.functional import LazyObject, empty

from images.storage.keys import USERS
from images.storage.listing import StoredFile

_COPY_BUFFER_SIZE = 1024**2
# A younger draft may belong to an upload that is writing it at this moment.
_DRAFT_RETENTION = timedelta(hours=1)


class PictureStorage(ABC):
    """Files under keys such as `users/<account>/<name>`; a key never names other bytes later.

    What every method keeps:

    - A *missing file* raises FileNotFoundError, except where the method says otherwise.
    - A *missing folder* is an empty one. Folders come with their first file, and go where
      `delete_folder` and `remove_empty_folder` find them empty.
    - A storage that is *away* (no answer, a refusal, no such bucket, an unmounted share) raises
      StorageAway or an OSError that `images.storage.outages` knows. It never counts as missing
      files: callers answer 503 or try again, and blame no picture.
    - Methods may be called from any thread.
    """

    # Tells whether files must be there, so that a storage without any is an unmounted share. Set
    # for the storage in force alone: any other may well be empty.
    expects_files: Callable[[], bool] = staticmethod(lambda: False)

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the files lie, without secrets.

        Two storages of one URL are the same; those of two URLs may be, by a link or an alias.
        """

    @abstractmethod
    def check(self) -> None:
        """Raise StorageAway or OSError where nothing can be stored now.

        A folder or prefix that the first file has yet to make is fine.
        """

    def refuse_while_away(self) -> None:  # noqa: B027 (a storage need not know)
        """Raise StorageAway where a call would not even be tried; ask nobody, and cost nothing."""

    def check_room(self) -> None:  # noqa: B027 (a storage need not know)
        """Raise OSError where nothing more can be written, or soon; reading may work all the same.

        Storages that cannot tell say nothing.
        """

    def is_mounted(self) -> bool:
        """Tell whether the folder of all accounts is there; always so where there are no folders.

        False before the first file of all, and at the empty mount point of a share.
        """
        return True

    @abstractmethod
    def open(self, key: str) -> IO[bytes]:
        """Open a file for reading, from any position; raise FileNotFoundError."""

    @abstractmethod
    def size(self, key: str) -> int:
        """Return the length of a file in bytes; raise FileNotFoundError."""

    def exists(self, key: str) -> bool:
        """Tell whether there is a file."""
        try:
            self.size(key)
        except FileNotFoundError:
            return False
        return True

    @abstractmethod
    def walk(self, folder: str = f"{USERS}/") -> Iterator[StoredFile]:
        """Yield the files below a folder, in the byte order of their keys and in constant memory.

        The folder ends with a slash; an empty one means everything. Drafts are included; files that
        are deleted meanwhile are left out.
        """

    def sha256(self, key: str) -> str:
        """Return the SHA-256 of a file in hexadecimal; raise FileNotFoundError."""
        with self.open(key) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

    def copy_to(self, key: str, folder: Path) -> Path:
        """Copy a file into a local folder and return its path there; raise FileNotFoundError.

        Never a second name of the file itself: whatever works in that folder could write to it.
        """
        target = folder / key.rsplit("/", 1)[-1]
        with self.open(key) as file, target.open("wb") as copy:
            shutil.copyfileobj(file, copy, _COPY_BUFFER_SIZE)
        return target

    def save(self, key: str, source: Path) -> None:
        """Store a copy of a local file, as `write` does."""
        with source.open("rb") as file:
            self.write(key, file)

    def save_all(self, files: Mapping[str, Path]) -> None:
        """Store copies of local files under keys; where one fails, others may be there."""
        for key, source in files.items():
            self.save(key, source)

    def write(self, key: str, file: IO[bytes]) -> None:
        """Store bytes under exactly this key; raise FileExistsError where it is taken.

        Atomic: readers find the whole file or none. It outlasts a power cut once this returns.
        Storages may close the source.
        """
        if self.exists(key):
            raise FileExistsError(f"{key} is taken.")
        file.seek(0)
        self._write(key, file)

    @abstractmethod
    def _write(self, key: str, file: IO[bytes]) -> None:
        """Store bytes under a key that is free, with the promises of `write`."""

    @abstractmethod
    def move(self, key: str, to: str) -> None:
        """Give a file another key that is free; raise FileNotFoundError.

        It is never under neither key. A crash may leave it under both.
        """

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete a file; one that is missing is fine."""

    def delete_many(self, keys: Iterable[str]) -> None:
        """Delete several files; those that are missing are fine."""
        for key in keys:
            self.delete(key)

    def delete_folder(self, folder: str) -> None:
        """Delete every file below a folder (it ends with a slash), and the folder.

        A draft that may be being written is spared, and its folder with it. The caller makes sure
        that no row names one of the files.
        """
        self.delete_many([each.key for each in self.walk_written(folder)])
        self.remove_empty_folder(folder)

    def walk_written(self, folder: str) -> Iterator[StoredFile]:
        """Yield the files below a folder but for the drafts that may be being written."""
        return (each for each in self.walk(folder) if not _is_being_written(each))

    def remove_empty_folder(self, folder: str) -> None:  # noqa: B027 (a storage may have no folders)
        """Remove a folder (it ends with a slash) unless something is in it."""

    def presigned_url(self, key: str, *, begins: int, seconds: int, name: str = "") -> str:
        """Return a URL at which the storage itself serves a file for a while, without a request.

        `begins` is a Unix time; the file leaves under `name` or its key's. Empty where browsers
        cannot read from the storage.
        """
        return ""

    @property
    def origin(self) -> str:
        """Scheme and host of `presigned_url`; empty where there is none."""
        return ""

    @property
    def folder(self) -> Path | None:
        """The folder of this machine that the files lie in, if that is so."""
        return None


def _is_being_written(file: StoredFile) -> bool:
    is_draft = file.key.rsplit("/", 1)[-1].startswith(".")
    return is_draft and timezone.now() - file.modified_at < _DRAFT_RETENTION


class StorageInForce(LazyObject):  # type: ignore[type-arg]  # generic in the stubs alone
    """The storage that the setting STORAGES names as default, opened on first use."""

    # `images.apps` has the rows answer: this package asks no database.
    expects_files: ClassVar[Callable[[], bool]] = PictureStorage.expects_files

    def _setup(self) -> None:
        # Of threads that ask first together one opens it: a storage knows for all whether it is
        # away, and a client of S3's takes long to make.
        with _opening:
            storage = cast("PictureStorage", storages["default"])
        storage.expects_files = type(self).expects_files
        self._wrapped = storage

    @property
    def origin(self) -> str:
        """Return the storage's own, which is asked for with each file, in a third of the time."""
        wrapped = object.__getattribute__(self, "_wrapped")
        if wrapped is empty:
            self._setup()
            return self.origin
        return cast("PictureStorage", wrapped).origin


_opening = Lock()
picture_storage = cast("PictureStorage", StorageInForce())
