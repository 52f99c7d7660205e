"""The processes of `./dev run`, started as a newcomer starts them: on embedded defaults."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests

from tests import waiting
from tests.servers.loaded_python import LoadedProcess
from tests.servers.migrated import copy_migrated_database
from tests.servers.ports import free_ports
from tests.waiting import T

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "only for this test"
START_TIMEOUT = 60
# The machine may be busy.
READY_TIMEOUT = 150
# Set by the test run for itself; not set on a newcomer's machine.
_TEST_VARIABLES = (
    "DATABASE_URL",
    "REDIS_URL",
    "AMQP_URL",
    "DATA_DIR",
    "LOCAL",
    "DJANGO_SETTINGS_MODULE",
)


@dataclass
class Running:
    """A running service."""

    process: subprocess.Popen[str] | LoadedProcess
    url: str
    log: Path

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """Send a signal to the command and return its exit code."""
        self.process.send_signal(signum)
        return self.process.wait(timeout=30)


Process = TypeVar("Process", bound=Running)


def launch(
    kind: type[Process], command: list[str], port: int, log: Path, env: dict[str, str],
    **options: Any,
) -> Process:  # fmt: skip
    """Start a service that will listen on a port; the caller ends it."""
    with log.open("a") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=output, stderr=output, text=True, **options
        )
    return kind(process, f"http://localhost:{port}", log)


def newcomers_environment() -> dict[str, str]:
    """Return the variables of this process without those that the test run set."""
    return {name: value for name, value in os.environ.items() if name not in _TEST_VARIABLES}


@contextmanager
def dev_run(data_dir: Path, *options: str, **settings: str) -> Iterator[Running]:
    """Do as `first_dev_run`; a folder that is not there yet gets a migrated database."""
    if not data_dir.exists() and "DATABASE_URL" not in settings:
        data_dir.mkdir(mode=0o700)
        copy_migrated_database(data_dir / "db.sqlite3")
    with first_dev_run(data_dir, *options, **settings) as running:
        yield running


@contextmanager
def first_dev_run(data_dir: Path, *options: str, **settings: str) -> Iterator[Running]:
    """Run `./dev run` with these options on a free port until the block ends, in good order."""
    port = int(settings.pop("PORT", 0)) or free_ports(1)[0]
    env = newcomers_environment() | {
        "PORT": str(port),
        "DATA_DIR": str(data_dir),
        "ADMIN_PASSWORD": PASSWORD,
        **settings,
    }
    log = data_dir.with_suffix(".log")
    running = launch(Running, [sys.executable, "dev", "run", *options], port, log, env)
    try:
        until_started(running)
        yield running
    finally:
        if running.process.poll() is None:
            assert running.stop() == 0, running.log.read_text()


def answers(running: Running) -> bool:
    """Tell whether the service answers; fails at once when the command has ended."""
    assert running.process.poll() is None, running.log.read_text()
    try:
        return requests.get(f"{running.url}/healthz", timeout=2).status_code == 200
    except (requests.ConnectionError, requests.Timeout):
        return False


def until_started(running: Running) -> None:
    """Return when the service answers; it is asked seldom."""
    _until_up(lambda: answers(running), START_TIMEOUT, running)


def until_ready(running: Running) -> None:
    """Return when every part is there, the worker too."""

    def is_ready() -> bool:
        return requests.get(f"{running.url}/readyz", timeout=10).status_code == 200

    _until_up(is_ready, READY_TIMEOUT, running)


def _until_up(condition: Callable[[], bool], seconds: float, running: Running) -> None:
    waiting.until(condition, seconds, running.log.read_text, interval=waiting.START_INTERVAL)


def until(condition: Callable[[], T | None], seconds: float, running: Running) -> T:
    """Poll until the condition is true and return its value."""
    return waiting.until(
        condition, seconds, running.log.read_text, interval=waiting.SERVICE_INTERVAL
    )


def command_lines_of(data_dir: Path) -> list[str]:
    """Return the command lines of processes that run for a data folder."""
    found = []
    for pid in process_ids_of(data_dir):
        with suppress(OSError):
            found.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
    return found


def process_ids_of(data_dir: Path) -> list[int]:
    """Return the ids of processes that run for a data folder."""
    mark = f"DATA_DIR={data_dir}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found
