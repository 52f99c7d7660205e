"""Files copied from one storage to another, as often as it takes until nothing is left to copy."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from tempfile import SpooledTemporaryFile
from typing import IO

from django.utils import timezone

from images.storage.base import PictureStorage
from images.storage.listing import StoredFile
from upkeep.merging import merge_by_key
from upkeep.quarantine import TIME_FORMAT, quarantine_key

Pair = tuple[StoredFile | None, StoredFile | None]
# Small files wait for the network, not for a processor.
_THREADS = 8
# A larger picture goes through a temporary file instead of memory.
_MAX_BYTES_IN_MEMORY = 4 * 1024**2
_CHUNK_SIZE = 256 * 1024


class Outcome(StrEnum):
    """What became of a file."""

    COPIED = "copied"
    THERE = "there already"
    GONE = "gone meanwhile"
    REMOVED = "removed"
    KEPT = "kept"


class CopyDiffers(Exception):
    """What was read back is not what was written."""


def copy_files(
    files: Iterable[StoredFile],
    source: PictureStorage,
    target: PictureStorage,
    *,
    compare_content: bool = False,
    note: Callable[[str], None] = lambda key: None,
) -> Iterator[Outcome]:
    """Copy what the target lacks or has in another length, and read each copy back.

    `compare_content` also reads what both have. What the target had instead goes to its quarantine.
    `note` is called, in any thread, with the key of each file that the target has in the end. May
    be stopped at any moment and begun again: a file is there whole or not at all. Raise
    CopyDiffers.
    """
    copier = _Copier(source, target, compare_content=compare_content, note=note)
    return _run_concurrently(copier.copy, merge_by_key(files, target.walk()))


def delete_copied_files(source: PictureStorage, target: PictureStorage) -> Iterator[Outcome]:
    """Delete from the source what the target has too, byte for byte; keep the rest."""
    copier = _Copier(source, target, compare_content=True)
    return _run_concurrently(copier.delete_copied, merge_by_key(source.walk(), target.walk()))


@dataclass(frozen=True, slots=True)
class _Copier:
    source: PictureStorage
    target: PictureStorage
    compare_content: bool
    note: Callable[[str], None] = lambda key: None

    def copy(self, here: StoredFile, there: StoredFile | None) -> Outcome:
        key = here.key
        try:
            if there and self._are_same(here, there):
                self.note(key)
                return Outcome.THERE
            with SpooledTemporaryFile(_MAX_BYTES_IN_MEMORY) as copy:
                with self.source.open(key) as original:
                    digest = _copy_and_hash(original, copy)
                if there:
                    self.target.move(key, quarantine_key(key, f"{timezone.now():{TIME_FORMAT}}"))
                self._write(key, copy)
        except FileNotFoundError:
            return Outcome.GONE
        if self.target.sha256(key) != digest:
            raise CopyDiffers(key)
        self.note(key)
        return Outcome.COPIED

    def _write(self, key: str, copy: IO[bytes]) -> None:
        try:
            self.target.write(key, copy)
        except FileExistsError:
            raise CopyDiffers(f"{key}: somebody else writes there") from None

    def delete_copied(self, here: StoredFile, there: StoredFile | None) -> Outcome:
        if there is None or not self._are_same(here, there):
            return Outcome.KEPT
        self.source.delete(here.key)
        return Outcome.REMOVED

    def _are_same(self, here: StoredFile, there: StoredFile) -> bool:
        if here.bytes != there.bytes:
            return False
        if not self.compare_content:
            return True
        return self.source.sha256(here.key) == self.target.sha256(there.key)


def _run_concurrently(
    work: Callable[[StoredFile, StoredFile | None], Outcome], pairs: Iterable[Pair]
) -> Iterator[Outcome]:
    """Work on a few pairs at a time, and never hold more than those few in memory."""
    waiting: deque[Future[Outcome]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        for here, there in pairs:
            if here is None:
                continue
            waiting.append(pool.submit(work, here, there))
            if len(waiting) >= 2 * _THREADS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _copy_and_hash(original: IO[bytes], copy: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := original.read(_CHUNK_SIZE):
        digest.update(chunk)
        copy.write(chunk)
    return digest.hexdigest()
