"""The folder in which strangers' files lie while they are worked on, and the removal of stale ones.

Uploads arrive there, and sandboxed processes can see nothing else of the disk.
"""

import shutil
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings

# An upload or a decode takes minutes at most: what is older was left by a process that was killed.
STALE_AFTER_SECONDS = 3600
SWEEP_INTERVAL_SECONDS = 600.0


def work_dir() -> Path:
    """Return the folder, made where it is missing."""
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def temporary_dir() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for the work on one picture, removed when the context ends."""
    return tempfile.TemporaryDirectory(dir=work_dir())


def sweep_work_dir_if_due() -> None:
    """Remove stale files at the first call of this process, then every ten minutes."""
    with _LastSweep.lock:
        if time.monotonic() < _LastSweep.at + SWEEP_INTERVAL_SECONDS:
            return
        _LastSweep.at = time.monotonic()
    remove_stale_files(work_dir())


def remove_stale_files(folder: Path) -> None:
    """Remove files and folders that nobody touched for an hour; several processes may do so."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - path.lstat().st_mtime > STALE_AFTER_SECONDS:
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


class _LastSweep:
    """When this process swept last, by the monotonic clock."""

    lock = threading.Lock()
    at = float("-inf")
