"""Files copied from one storage to another, as often as it takes until nothing is left to copy."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import IO

from django.utils import timezone

from images.storage.base import PictureStorage
from images.storage.keys import USERS
from images.storage.listing import StoredFile
from upkeep.merging import merged
from upkeep.quarantine import TIME, quarantined

Pair = tuple[StoredFile | None, StoredFile | None]
FOLDER = f"{USERS}/"
# Small files wait for the network, not for a processor.
_AT_ONCE = 8
# A larger picture goes through a temporary file instead of memory.
_IN_MEMORY = 4 * 1024**2
_CHUNK = 256 * 1024


class Outcome(StrEnum):
    """What became of a file."""

    COPIED = "copied"
    THERE = "there already"
    GONE = "gone meanwhile"
    REMOVED = "removed"
    KEPT = "kept"


class NotTheSame(Exception):
    """What was read back is not what was written."""


def copied(
    files: Iterable[StoredFile],
    source: PictureStorage,
    target: PictureStorage,
    *,
    comparing: bool = False,
) -> Iterator[Outcome]:
    """Copy what the target lacks or has in another length; `comparing` reads all that it has, too.

    What the target had instead goes to its quarantine. Each copy is read back. May be stopped at
    any moment and begun again: a file is there whole or not at all. Raises NotTheSame.
    """
    work = partial(_copied, source=source, target=target, comparing=comparing)
    return _worked(merged(files, target.walk(FOLDER)), work)


def removed(source: PictureStorage, target: PictureStorage) -> Iterator[Outcome]:
    """Delete from the source what the target has too, byte for byte; the rest is kept."""
    work = partial(_removed, source=source, target=target)
    return _worked(merged(source.walk(FOLDER), target.walk(FOLDER)), work)


def _worked(pairs: Iterable[Pair], work: partial[Outcome]) -> Iterator[Outcome]:
    """Do a few at a time, and never hold more than those few."""
    waiting: deque[Future[Outcome]] = deque()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for here, there in pairs:
            if here is None:
                continue
            waiting.append(pool.submit(work, here, there))
            if len(waiting) >= 2 * _AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _copied(
    here: StoredFile,
    there: StoredFile | None,
    *,
    source: PictureStorage,
    target: PictureStorage,
    comparing: bool,
) -> Outcome:
    try:
        if there and _same(here, there, source, target, comparing=comparing):
            return Outcome.THERE
        with SpooledTemporaryFile(_IN_MEMORY) as copy:
            with source.open(here.key) as original:
                digest = _poured(original, copy)
            if there:
                target.move(here.key, quarantined(here.key, f"{timezone.now():{TIME}}"))
            _save(target, here.key, copy)
    except FileNotFoundError:
        return Outcome.GONE
    if _sha256(target, here.key) != digest:
        raise NotTheSame(here.key)
    return Outcome.COPIED


def _removed(
    here: StoredFile, there: StoredFile | None, *, source: PictureStorage, target: PictureStorage
) -> Outcome:
    if there is None or not _same(here, there, source, target, comparing=True):
        return Outcome.KEPT
    source.delete(here.key)
    return Outcome.REMOVED


def _same(
    here: StoredFile,
    there: StoredFile,
    source: PictureStorage,
    target: PictureStorage,
    *,
    comparing: bool,
) -> bool:
    if here.bytes != there.bytes:
        return False
    return not comparing or _sha256(source, here.key) == _sha256(target, here.key)


def _poured(original: IO[bytes], copy: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := original.read(_CHUNK):
        digest.update(chunk)
        copy.write(chunk)
    copy.seek(0)
    return digest.hexdigest()


def _save(target: PictureStorage, key: str, copy: IO[bytes]) -> None:
    try:
        target.write(key, copy)
    except FileExistsError:
        raise NotTheSame(f"{key}: somebody else writes there") from None


def _sha256(place: PictureStorage, key: str) -> str:
    with place.open(key) as file:
        digest = hashlib.sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
