"""Walks through stored files in the byte order of their keys, however many there are."""

import heapq
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

# A folder with more names than this is sorted in parts that lie on disk: 50,000 names are 6 MB.
_NAMES_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as the storage lists it."""

    key: str
    bytes: int
    modified_at: datetime


def in_byte_order(key: str) -> bytes:
    """Return what keys are sorted by, as S3 lists them; a name that is no UTF-8 has a place too."""
    return os.fsencode(key)


def walk_folder(root: Path, folder: str) -> Iterator[StoredFile]:
    """Yield the files below a folder of `root`; one that goes meanwhile is left out."""
    for name in _sorted_names(root / folder):
        if name.endswith("/"):
            yield from walk_folder(root, folder + name)
        else:
            yield from _stat_file(root, folder + name)


def _stat_file(root: Path, key: str) -> Iterator[StoredFile]:
    try:
        found = (root / key).stat()
    except FileNotFoundError:
        return
    yield StoredFile(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _sorted_names(folder: Path) -> Iterator[str]:
    """Folders carry the slash that their keys have, which decides their place."""
    with ExitStack() as parts:
        names = _names(folder)
        first = _sorted_part(names)
        spilled = []
        while len(following := _sorted_part(names)):
            spilled.append(_on_disk(parts, following))
        yield from heapq.merge(first, *spilled, key=in_byte_order)


def _names(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name
    except FileNotFoundError:
        return


def _sorted_part(names: Iterator[str]) -> list[str]:
    return sorted(islice(names, _NAMES_AT_ONCE), key=in_byte_order)


def _on_disk(parts: ExitStack, names: list[str]) -> Iterator[str]:
    file = parts.enter_context(_part())
    file.writelines(f"{json.dumps(name)}\n" for name in names)
    return _lines(file)


def _part() -> IO[str]:
    return TemporaryFile("w+", encoding="ascii")


def _lines(file: IO[str]) -> Iterator[str]:
    file.seek(0)
    for line in file:
        name: str = json.loads(line)
        yield name
