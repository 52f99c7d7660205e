"""Finds a Python that the project supports; written for any Python 3 to read."""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
# The tests pass on every version up to this one; a later one is tried with a warning.
NEWEST_TESTED = (3, 14)
NEWEST_LOOKED_FOR = 30


def require_supported(script: str) -> None:
    """Return under a Python that is new enough, else start `script` again under the newest on PATH.

    Raise SystemExit with one line when there is none.
    """
    if sys.version_info[:2] < OLDEST:
        _restart(script)
    if sys.version_info[:2] > NEWEST_TESTED:
        sys.stderr.write("dev: Python %s is newer than those tested, %s.\n" % (_own(), _tested()))


def _restart(script: str) -> None:
    for minor in range(NEWEST_LOOKED_FOR, OLDEST[1] - 1, -1):
        path = shutil.which("python3.%d" % minor)
        if path and _works(path):
            os.execv(path, [path, script, *sys.argv[1:]])  # noqa: S606 (no shell is wanted)
    raise SystemExit(
        "dev: Python %s is needed, and PATH has none; this is %s." % (_tested(), _own())
    )


def _works(path: str) -> bool:
    """Whether `path` answers: the shim of a version manager exists for versions it lacks."""
    answer = subprocess.run(
        [path, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    return answer.returncode == 0


def _own() -> str:
    return sys.version.split()[0]


def _tested() -> str:
    return "3.%d to 3.%d" % (OLDEST[1], NEWEST_TESTED[1])
