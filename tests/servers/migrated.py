"""A migrated SQLite database, made once for all processes of a test run, which copy it.

A migration takes four seconds of a core, and nearly every run of the service begins with one.
"""

import os
import shutil
import subprocess
from pathlib import Path

from devkit.environment import ROOT
from tests.servers import loaded_python
from tests.servers.once import made_once


def copy_migrated_database(to: Path) -> None:
    """Copy it, where it was made already; else this process makes it, and others wait."""
    shutil.copyfile(made_once("migrated.sqlite3", _migrate), to)


def _migrate(data_dir: Path) -> Path:
    environment = os.environ | {
        "LOCAL": "on", "DATABASE_URL": "", "DATA_DIR": str(data_dir),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }  # fmt: skip
    command = [loaded_python.find(), "manage.py", "migrate", "--no-input", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=True)
    return data_dir / "db.sqlite3"
