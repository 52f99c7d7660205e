"""`./dev test`: pytest on PostgreSQL and, when nothing narrower is asked for, a part on SQLite."""

import os
import subprocess

from devkit import environment
from devkit.messages import say

# Each process has servers of its own. A file stays together, with the processes that it starts.
TWO_AT_A_TIME = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]


def run(arguments: list[str]) -> int:
    """Run the suite; arguments go to pytest and choose one run, on PostgreSQL."""
    environment.prepare(environment.DEVELOPMENT)
    if arguments:
        return _pytest(arguments)
    # The large run comes last, so that its closing line is the last thing to read.
    say("The contracts and what else is marked sqlite, on SQLite:")
    on_sqlite = _pytest(
        [*TWO_AT_A_TIME, "-m", "sqlite and not postgres and not slow"], {"TEST_DATABASE": "sqlite"}
    )
    say("\nAll tests, on PostgreSQL:")
    return _pytest(TWO_AT_A_TIME) or on_sqlite


def _pytest(arguments: list[str], variables: dict[str, str] | None = None) -> int:
    command = [environment.python(), "-m", "pytest", *arguments]
    variables = os.environ | (variables or {})
    finished = subprocess.run(command, cwd=environment.ROOT, env=variables, check=False)
    return finished.returncode
