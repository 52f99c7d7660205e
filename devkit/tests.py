"""`./dev test`: pytest on PostgreSQL and, when nothing narrower is asked for, a part on SQLite."""

import os
import subprocess

from devkit import environment
from devkit.messages import say

# Each process has servers of its own, so that more than a few are not worth their start; two wait
# for what they have started while the others work.
CORES = min(os.cpu_count() or 1, 5)
SIDE_BY_SIDE = ["--processes", str(CORES + 2)]
# In the nightly part one of them begins with what waits for minutes until something is found out.
# More at once would make services late that are asked whether they are.
NIGHTLY_SIDE_BY_SIDE = ["--processes", str(CORES), "--patient", "1"]
ALSO_ON_SQLITE = "--also-on-sqlite"
NIGHTLY = "nightly or sqlite_nightly"
FAST = "not nightly and not slow and not unhurried and not processes and not s3 and not rabbitmq"


def run(arguments: list[str]) -> int:
    """Run the suite without what is marked nightly; other arguments go to pytest.

    `--all` leaves nothing out, `--nightly` runs what is left out otherwise; `--fast` runs what
    needs no server but PostgreSQL and Valkey, and few seconds. Arguments for pytest choose one
    run, on PostgreSQL, of everything they name.
    """
    environment.prepare(environment.DEVELOPMENT)
    keep_bytecode()
    match arguments:
        case []:
            say("All tests, on PostgreSQL (the nightly ones are run by ./dev test --all):")
            return _pytest([*SIDE_BY_SIDE, ALSO_ON_SQLITE, "quick", "-m", "not nightly"])
        case ["--all"]:
            return _pytest([*NIGHTLY_SIDE_BY_SIDE, ALSO_ON_SQLITE, "all"])
        case ["--nightly"]:
            return _pytest([*NIGHTLY_SIDE_BY_SIDE, ALSO_ON_SQLITE, "nightly", "-m", NIGHTLY])
        case ["--fast"]:
            return _pytest([*SIDE_BY_SIDE, "-m", FAST])
        case _:
            return _pytest(arguments)


def keep_bytecode() -> None:
    """Have the many processes of a run read what the first one compiled.

    Where nothing is to be left beside the sources, it lies in `.venv`.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(environment.VENV / "bytecode"))


def _pytest(arguments: list[str]) -> int:
    command = [environment.python(), "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=environment.ROOT, check=False).returncode
