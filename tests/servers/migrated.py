"""A migrated SQLite database, made once for all processes of a test run, which copy it.

A migration takes four seconds of a core, and nearly every run of the service begins with one.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from devkit.children import Reaper
from devkit.environment import ROOT

# The variable that names the folder where it lies.
_FOLDER = "TEST_MIGRATED_FOLDER"


def choose_folder(reaper: Reaper) -> None:
    """Choose where this process, and those that it forks or starts, keep it."""
    if not Path(os.environ.get(_FOLDER, "/nowhere")).exists():
        os.environ[_FOLDER] = str(reaper.make_folder("tintype-migrated-"))


def copy_migrated_database(to: Path) -> None:
    """Copy it, where it was made already; else this process makes it, and others wait."""
    folder = Path(os.environ[_FOLDER])
    made = folder / "migrated.sqlite3"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _migrate(folder / "data").rename(made)
    shutil.copyfile(made, to)


def _migrate(data_dir: Path) -> Path:
    environment = os.environ | {
        "LOCAL": "on", "DATABASE_URL": "", "DATA_DIR": str(data_dir),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }  # fmt: skip
    command = [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=True)
    return data_dir / "db.sqlite3"
