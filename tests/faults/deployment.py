"""The processes of docker-compose.yml on this machine; each may be killed and started again.

Every process leads its own session, as it is alone in its container: killing it takes along what it
started.
"""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import requests

from devkit.children import Child, Reaper
from tests import waiting
from tests.processes import ROOT
from tests.waiting import T

TIMEOUT = 60.0
STOP_TIMEOUT = 30
# How often pictures without thumbnails are looked for.
SWEEP_SECONDS = 1
# How long a picture waits for a worker that died.
LEASE_SECONDS = 4
# Of each of the two web processes.
THREADS = 4
CELERY = ["-W", "ignore:You're running the worker with superuser privileges", "-m", "celery"]


def until(
    condition: Callable[[], T], what: str, seconds: float = TIMEOUT,
    *, interval: float = waiting.SERVICE_INTERVAL,
) -> T:  # fmt: skip
    return waiting.until(condition, seconds, lambda: what, interval=interval)


@dataclass
class Deployment:
    """`folder` holds the data and the logs; `variables` say where the parts are."""

    reaper: Reaper
    folder: Path
    port: int
    variables: dict[str, str]
    # Runs commands.
    python: Path
    worker_count: int = 1
    worker_threads: int = 2
    # Whether each is forked from a process that has loaded what it needs, again when it is killed.
    forks_workers: bool = False
    running: dict[str, Child] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def health_url(self) -> str:
        return f"http://127.0.0.1:{self.variables['HEALTH_PORT']}"

    @property
    def data(self) -> Path:
        return Path(self.variables["DATA_DIR"])

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def workers(self) -> list[str]:
        return [f"worker{number}" for number in range(self.worker_count)]

    def start(self) -> None:
        """Return when the web process answers; the others may still be starting."""
        for name in ("web", *self.workers, "beat"):
            self.start_one(name)
        waiting.until(self.answers, TIMEOUT, self.log.read_text, interval=waiting.START_INTERVAL)

    def start_one(self, name: str) -> None:
        with self.log.open("ab") as output:
            self.running[name] = Child.start(
                self.reaper, name, self._command(name), env=self._environment(name),
                cwd=ROOT, output=output,
            )  # fmt: skip

    def keep_running(self, name: str) -> None:
        """Start a process again that ended by itself, as `restart: unless-stopped` does."""
        if not self.running[name].is_running():
            self.start_one(name)

    def kill(self, name: str) -> None:
        """Kill a process and its process group."""
        self.running[name].end()

    def kill_forked(self, name: str) -> None:
        """Kill a worker and its process group; return when another was forked in its place."""
        file = self._pid_file(name)
        pid = int(file.read_text())
        os.killpg(pid, signal.SIGKILL)
        until(lambda: int(file.read_text()) != pid, f"another {name}")

    def _pid_file(self, name: str) -> Path:
        return self.folder / f"{name}.pid"

    def stop(self) -> set[int]:
        """Stop all; return their exit codes (-9 for one that had to be killed)."""
        for child in self.running.values():
            child.send_signal()
        return {child.wait(STOP_TIMEOUT) for child in self.running.values()}

    def end(self) -> None:
        for child in self.running.values():
            child.end()

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py beside the others; return its output."""
        done = subprocess.run(
            [self.python, "manage.py", *arguments],
            cwd=ROOT, env=self._environment("manage"), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def answers(self) -> bool:
        assert self.running["web"].is_running(), self.log.read_text()
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def _command(self, name: str) -> list[str]:
        if name == "web":
            return [
                *(sys.executable, "-m", "granian", "--interface=wsgi", "--host=127.0.0.1"),
                *(f"--port={self.port}", "--workers=2", f"--blocking-threads={THREADS}"),
                *("--respawn-failed-workers", "config.wsgi:application"),
            ]
        celery = [sys.executable, *CELERY, "-q", "-A", "config"]
        if name == "beat":
            return [*celery, "beat"]
        # No worker waits a second for others to say hello.
        alone = ["--without-gossip", "--without-mingle", f"--hostname={name}@tests"]
        if self.forks_workers:
            module = ["-m", "tests.faults.forking_worker", str(self._pid_file(name)), "-q"]
            celery = [sys.executable, *CELERY[:2], *module]
        return [*celery, "worker", "--pool=threads", f"--concurrency={self.worker_threads}", *alone]

    def _environment(self, name: str) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
        # The scheduler's notes lie apart, as in a container of its own.
        own = {"DATA_DIR": str(self.folder / "beat")} if name == "beat" else {}
        return kept | self.variables | own


def variables_of(
    folder: Path, port: int, health_port: int, name: str, **parts: str
) -> dict[str, str]:
    """Settings of a deployment whose queue, keys and data are its own."""
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SSL_REDIRECT": "off",
        "HSTS_SECONDS": "0",
        "SIGNUP_TIER": "Enterprise",
        "CACHE_PREFIX": name,
        "CELERY_QUEUE": name,
        "DATA_DIR": str(folder / "data"),
        "DECODING_PROCESSES": "1",
        "HTTP_THREADS": str(THREADS),
        "HEALTH_PORT": str(health_port),
        "SWEEP_SECONDS": str(SWEEP_SECONDS),
        "RENDER_LEASE_SECONDS": str(LEASE_SECONDS),
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "PYTHONWARNINGS": "ignore:No directory at:UserWarning",
        **parts,
    }
