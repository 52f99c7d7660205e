"""Files and names that outlast a power cut: a file's bytes need a flush, its folder another."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def write(path: Path, chunks: Iterable[bytes], mode: int) -> None:
    """Write a new file whose bytes are on the disk on return; its name needs `sync_folder`.

    Nobody whom `mode` leaves out can open it at any moment; the process's umask may leave out more.
    """
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.writelines(chunks)
        file.flush()
        os.fsync(file.fileno())


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make a folder, with those above it that are missing; each new name is durable on return.

    Costs one look where it is there already. `mode` counts for what is made, less the umask.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent, mode)
    folder.mkdir(mode, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable (fsync(2): the directory needs its own)."""
    with names_in(folder):
        pass


@contextmanager
def names_in(folder: Path) -> Iterator[None]:
    """Make the names that the block gives durable, also where the folder itself goes meanwhile."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        yield
        os.fsync(handle)
    finally:
        os.close(handle)
