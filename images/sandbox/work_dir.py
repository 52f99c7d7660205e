"""What killed processes left in the work folder: found by age, removed by whoever works there."""

import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path

# Nothing that is still of use lies untouched for so long: an upload, a decode take minutes at most.
FORGOTTEN_SECONDS = 3600
LOOK_EVERY = 600.0


def tidy_now_and_then(folder: Path) -> None:
    """Remove what is forgotten, at the first call of this process and every few minutes."""
    with _Last.lock:
        if time.monotonic() < _Last.look + LOOK_EVERY:
            return
        _Last.look = time.monotonic()
    remove_forgotten(folder)


def remove_forgotten(folder: Path) -> None:
    """Remove files and folders that nobody touched for an hour; several processes may do so."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - path.lstat().st_mtime > FORGOTTEN_SECONDS:
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


class _Last:
    """When this process looked, by the monotonic clock."""

    lock = threading.Lock()
    look = float("-inf")
