"""Private servers for a benchmark, in the place of those that the environment does not name.

BENCH_DATABASE_URL and BENCH_REDIS_URL name some; the service's own variables never reach a
benchmark (`devkit.bench`).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import cpu_seconds
from devkit import valkey
from devkit.children import Child, Reaper
from tests.servers.postgres import ASYNC_COMMIT, FAST, Postgres

# The tree of the service that is measured: this one, or another commit's (`devkit.comparing`).
TREE = Path(os.environ.get("BENCH_TREE") or Path(__file__).resolve().parent.parent)


@dataclass(frozen=True)
class Database:
    """Where it is; `child` is there where it is this run's own."""

    url: str
    child: Child | None = None

    @property
    def cpu(self) -> float | None:
        """Seconds of CPU of the server and its processes."""
        return cpu_seconds(self.child.process.pid) if self.child else None


def start_database(reaper: Reaper, settings: Sequence[str] = (*FAST, *ASYNC_COMMIT)) -> Database:
    """Return BENCH_DATABASE_URL's, else a new server's own first database, which is empty."""
    if url := os.environ.get("BENCH_DATABASE_URL"):
        return Database(url)
    server = Postgres(reaper, settings)
    server.start()
    return Database(server.url_of("postgres"), server.child)


def start_redis(reaper: Reaper) -> str:
    """Return BENCH_REDIS_URL, else a new Valkey's address."""
    return os.environ.get("BENCH_REDIS_URL") or start_own_redis(reaper)


def start_own_redis(reaper: Reaper) -> str:
    """Return a new Valkey's address."""
    server = valkey.Valkey(reaper, valkey.find())
    server.wait(server.start())
    return server.url
