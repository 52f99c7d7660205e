"""`./dev test`: pytest on PostgreSQL and, when nothing narrower is asked for, a part on SQLite."""

import os
import subprocess

from devkit import environment
from devkit.messages import say

# Each process has servers of its own. A file stays together, with the processes that it starts.
TWO_AT_A_TIME = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]


def run(arguments: list[str]) -> int:
    """Run the suite without what is marked nightly; other arguments go to pytest.

    `--all` leaves nothing out; `--fast` runs what needs no server but PostgreSQL and Valkey, and
    few seconds. Arguments for pytest choose one run, on PostgreSQL, of everything they name.
    """
    environment.prepare(environment.DEVELOPMENT)
    match arguments:
        case []:
            return _suite(["-m", "not nightly"], "the nightly ones are run by ./dev test --all")
        case ["--all"]:
            return _suite([], "")
        case ["--fast"]:
            return _pytest([*TWO_AT_A_TIME, "-m", "not nightly and not slow and not processes"])
        case _:
            return _pytest(arguments)


def _suite(chosen: list[str], left_out: str) -> int:
    # The large run comes last, so that its closing line is the last thing to read.
    say("The contracts and what else is marked sqlite, on SQLite:")
    on_sqlite = _pytest(
        [*TWO_AT_A_TIME, "-m", "sqlite and not postgres and not slow and not nightly"],
        {"TEST_DATABASE": "sqlite"},
    )
    say("\nAll tests, on PostgreSQL" + (f" ({left_out}):" if left_out else ":"))
    return _pytest([*TWO_AT_A_TIME, *chosen]) or on_sqlite


def _pytest(arguments: list[str], variables: dict[str, str] | None = None) -> int:
    command = [environment.python(), "-m", "pytest", *arguments]
    variables = os.environ | (variables or {})
    finished = subprocess.run(command, cwd=environment.ROOT, env=variables, check=False)
    return finished.returncode
