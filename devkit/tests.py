"""`./dev test`: pytest on PostgreSQL and, when nothing narrower is asked for, a part on SQLite."""

import os
import subprocess

from devkit import environment
from devkit.messages import say


def run(arguments: list[str]) -> int:
    """Run the suite; arguments go to pytest and choose one run, on PostgreSQL."""
    environment.prepare(environment.DEVELOPMENT)
    if arguments:
        return _pytest(arguments)
    # The large run comes last, so that its closing line is the last thing to read.
    say("The contracts and what else is marked sqlite, on SQLite, two at a time:")
    on_sqlite = _pytest(["-m", "sqlite", "-n", "2"], {"TEST_DATABASE": "sqlite"})
    say("\nAll tests, on PostgreSQL:")
    return _pytest([]) or on_sqlite


def _pytest(arguments: list[str], variables: dict[str, str] | None = None) -> int:
    command = [environment.python(), "-m", "pytest", *arguments]
    variables = os.environ | (variables or {})
    finished = subprocess.run(command, cwd=environment.ROOT, env=variables, check=False)
    return finished.returncode
