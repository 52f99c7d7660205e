"""Private servers for a benchmark, in the place of those that the environment does not name.

BENCH_DATABASE_URL and BENCH_REDIS_URL name some; the service's own variables never reach a
benchmark (`devkit.bench`).
"""

import os
from collections.abc import Sequence
from pathlib import Path

from devkit import valkey
from devkit.children import Reaper
from tests.servers.postgres import ASYNC_COMMIT, FAST, Postgres

# The tree of the service that is measured: this one, or another commit's (`devkit.comparing`).
TREE = Path(os.environ.get("BENCH_TREE") or Path(__file__).resolve().parent.parent)


def start_database(reaper: Reaper, settings: Sequence[str] = (*FAST, *ASYNC_COMMIT)) -> str:
    """Return BENCH_DATABASE_URL, else a new server's own first database, which is empty."""
    if url := os.environ.get("BENCH_DATABASE_URL"):
        return url
    server = Postgres(reaper, settings)
    server.start()
    return server.url_of("postgres")


def start_redis(reaper: Reaper) -> str:
    """Return BENCH_REDIS_URL, else a new Valkey's address."""
    return os.environ.get("BENCH_REDIS_URL") or start_own_redis(reaper)


def start_own_redis(reaper: Reaper) -> str:
    """Return a new Valkey's address."""
    server = valkey.Valkey(reaper, valkey.find())
    server.wait(server.start())
    return server.url
