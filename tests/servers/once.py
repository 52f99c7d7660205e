"""What is made once for all processes of a test run: the first that asks makes it, others wait."""

import fcntl
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from devkit.children import Reaper

# The variable that names the folder where it lies.
_FOLDER = "TEST_FOLDER_OF_ALL"


def choose_folder(reaper: Reaper) -> None:
    """Choose where this process, and those that it forks or starts, keep it."""
    if not Path(os.environ.get(_FOLDER, "/nowhere")).exists():
        os.environ[_FOLDER] = str(reaper.make_folder("tintype-once-"))


def made_once(name: str, make: Callable[[Path], Path]) -> Path:
    """Return the file or folder that `make` made in an empty folder; nobody changes it."""
    folder = Path(os.environ[_FOLDER])
    made = folder / name
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            make(Path(tempfile.mkdtemp(dir=folder))).rename(made)
    return made
