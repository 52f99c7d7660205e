"""`./dev cover`: which lines and branches of the apps the tests run, module by module."""

import os
import subprocess
import tempfile

from devkit import environment
from devkit.tests import SIDE_BY_SIDE, keep_bytecode

# What starts processes is measured in none of them, and would only take its time.
CHOSEN = "not nightly and not slow and not processes"


def run(arguments: list[str]) -> int:
    """Show what the tests cover; 1 where a test fails, 2 below the share in `pyproject.toml`.

    Arguments go to pytest, for example the tests of one app.
    """
    environment.prepare(environment.DEVELOPMENT)
    keep_bytecode()
    with tempfile.TemporaryDirectory(prefix="tintype-cover-") as folder:
        os.environ["COVERAGE_FILE"] = f"{folder}/measured"
        tests = _coverage("run", "-m", "pytest", *(arguments or [*SIDE_BY_SIDE, "-m", CHOSEN]))
        # Each process has written its own.
        return _coverage("combine", "--quiet") or _coverage("report") or tests


def _coverage(*arguments: str) -> int:
    command = [environment.python(), "-m", "coverage", *arguments]
    return subprocess.run(command, cwd=environment.ROOT, check=False).returncode
