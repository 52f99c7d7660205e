"""Finds a Python that the project supports; written for any Python 3 to read."""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
NEWEST = (3, 13)


def require_supported(script: str) -> None:
    """Return under a supported Python, else start `script` again under one found on PATH.

    Raises SystemExit with one line when there is none.
    """
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        path = shutil.which("python3.%d" % minor)  # noqa: UP031 (old Pythons read this file)
        if path and _works(path):
            os.execv(path, [path, script, *sys.argv[1:]])  # noqa: S606 (no shell is wanted)
    raise SystemExit(
        "dev: Python 3.11, 3.12 or 3.13 is needed, and PATH has none; this is "
        + sys.version.split()[0]
    )


def _works(path: str) -> bool:
    """Whether `path` answers: the shim of a version manager exists for versions it lacks."""
    answer = subprocess.run(
        [path, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return answer.returncode == 0
