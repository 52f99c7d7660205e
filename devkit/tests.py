"""`./dev test`: pytest on PostgreSQL and, when nothing narrower is asked for, a part on SQLite."""

import os
import subprocess

from devkit import environment
from devkit.messages import say

# Each process has servers of its own, so that more than a few are not worth their start; one waits
# for what it has started while the others work. A file stays together, with what it starts.
PROCESSES = min(os.cpu_count() or 1, 5) + 1
SIDE_BY_SIDE = ["-n", str(PROCESSES), "--dist", "loadfile", "--no-loadscope-reorder"]


def run(arguments: list[str]) -> int:
    """Run the suite without what is marked nightly; other arguments go to pytest.

    `--all` leaves nothing out, `--nightly` runs what is left out otherwise; `--fast` runs what
    needs no server but PostgreSQL and Valkey, and few seconds. Arguments for pytest choose one
    run, on PostgreSQL, of everything they name.
    """
    environment.prepare(environment.DEVELOPMENT)
    _keep_bytecode()
    match arguments:
        case []:
            return _suite(["-m", "not nightly"], "the nightly ones are run by ./dev test --all")
        case ["--all"]:
            return _suite([], "")
        case ["--nightly"]:
            return _pytest([*SIDE_BY_SIDE, "-m", "nightly"])
        case ["--fast"]:
            return _pytest([*SIDE_BY_SIDE, "-m", "not nightly and not slow and not processes"])
        case _:
            return _pytest(arguments)


def _keep_bytecode() -> None:
    """Have the many processes of a run read what the first one compiled.

    Where nothing is to be left beside the sources, it lies in `.venv`.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(environment.VENV / "bytecode"))


def _suite(chosen: list[str], left_out: str) -> int:
    # The large run comes last, so that its closing line is the last thing to read.
    say("The contracts and what else is marked sqlite, on SQLite:")
    on_sqlite = _pytest(
        [*SIDE_BY_SIDE, "-m", "sqlite and not postgres and not slow and not nightly"],
        {"TEST_DATABASE": "sqlite"},
    )
    say("\nAll tests, on PostgreSQL" + (f" ({left_out}):" if left_out else ":"))
    return _pytest([*SIDE_BY_SIDE, *chosen]) or on_sqlite


def _pytest(arguments: list[str], variables: dict[str, str] | None = None) -> int:
    command = [environment.python(), "-m", "pytest", *arguments]
    variables = os.environ | (variables or {})
    finished = subprocess.run(command, cwd=environment.ROOT, env=variables, check=False)
    return finished.returncode
