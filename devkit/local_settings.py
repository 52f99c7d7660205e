"""What the local run and every command beside it agree on: host, port, data folder, variables."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from devkit import environment, valkey
from devkit.children import Reaper
from devkit.messages import Refusal

EVERYWHERE = {"", "0.0.0.0", "::"}  # noqa: S104 (compared, not bound)


@dataclass(frozen=True)
class LocalSettings:
    """Where the local run listens and keeps its data; all other variables are the service's."""

    host: str
    port: int
    data_dir: Path

    @property
    def url(self) -> str:
        host = "localhost" if self.host in EVERYWHERE | {"127.0.0.1"} else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """The environment of every process of the local run."""
        given = {name: value for name, value in os.environ.items() if value}
        fixed = {
            "LOCAL": "true",
            "HOST": self.host,
            "PORT": str(self.port),
            "DATA_DIR": str(self.data_dir),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
        }
        # The C library gives back what it no longer needs, as in the image (Dockerfile).
        memory = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}
        return {"PASSWORD_POLICY": "contract", **memory} | given | fixed


def read() -> LocalSettings:
    """Read them from the environment; raise Refusal for a PORT that is none."""
    port = os.environ.get("PORT") or "8000"
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise Refusal(f"PORT must be a number from 1 to 65535, not {port!r}.")
    data_dir = os.environ.get("DATA_DIR") or environment.ROOT / "data"
    return LocalSettings(
        os.environ.get("HOST") or "127.0.0.1", int(port), Path(data_dir).absolute()
    )


@contextmanager
def lock_data_dir(data_dir: Path) -> Iterator[TextIO]:
    """Refuse a second run on the same data; the lock goes with this process, however it ends.

    The file that is yielded tells other commands the run's REDIS_URL.
    """
    with _open_lock(data_dir) as lock:
        if not _take(lock):
            raise Refusal(
                f"another ./dev run uses {data_dir}; stop it, or set DATA_DIR to another folder."
            )
        lock.truncate(0)
        yield lock


@contextmanager
def joined_run(local: LocalSettings) -> Iterator[dict[str, str]]:
    """Yield the variables of a command beside the run that uses this data, if there is one.

    Without REDIS_URL and without a run, the command gets a Valkey of its own until it ends.
    """
    variables = local.variables
    if "REDIS_URL" not in variables:
        with _open_lock(local.data_dir) as lock:
            url = "" if _take(lock) else lock.read().strip()
        if not url:
            with Reaper() as reaper:
                server = valkey.Valkey(reaper, valkey.find([environment.site_packages()]))
                server.wait(server.start())
                yield variables | {"REDIS_URL": server.url}
            return
        variables |= {"REDIS_URL": url}
    yield variables


def _open_lock(data_dir: Path) -> TextIO:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(data_dir / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Refusal(f"DATA_DIR {data_dir} cannot be used: {error.strerror}.") from None
    return os.fdopen(handle, "r+", encoding="utf-8")


def _take(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
