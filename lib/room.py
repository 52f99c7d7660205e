"""Whether a folder's disk has room, and takes what is written."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

# Below this a disk counts as full: a few uploads more, and it is.
MIN_FREE_BYTES = 64 * 1024**2
_PROBE_SIZE = 4096
_STATES = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EFBIG: "full",
    errno.EROFS: "read-only",
}


class NoRoom(OSError):
    """A disk is full, or takes nothing; `state` says which."""

    def __init__(self, error: int, folder: Path) -> None:
        super().__init__(error, os.strerror(error), str(folder))
        self.state = _STATES.get(error, "missing")


def check_room(folder: Path) -> None:
    """Write a few bytes and remove them; raise NoRoom, and OSError for any other failure.

    Also where they could be written, and little more could.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_PROBE_SIZE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in _STATES:
            raise NoRoom(error.errno, folder) from error
        raise
    if free_bytes(folder) < MIN_FREE_BYTES:
        raise NoRoom(errno.ENOSPC, folder)


def free_bytes(folder: Path) -> int:
    """Return how many bytes can still be written below a folder."""
    return shutil.disk_usage(folder).free
