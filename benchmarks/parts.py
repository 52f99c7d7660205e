"""Private servers for a benchmark, in the place of those that the environment does not name."""

import os
from collections.abc import Sequence

from devkit import valkey
from devkit.children import Reaper
from tests.servers.postgres import ASYNC_COMMIT, FAST, Postgres


def start_database(reaper: Reaper, settings: Sequence[str] = (*FAST, *ASYNC_COMMIT)) -> str:
    """Return DATABASE_URL, else a new server's own first database, which is empty."""
    if url := os.environ.get("DATABASE_URL"):
        return url
    server = Postgres(reaper, settings)
    server.start()
    return server.url_of("postgres")


def start_redis(reaper: Reaper) -> str:
    """Return REDIS_URL, else a new Valkey's address."""
    return os.environ.get("REDIS_URL") or start_own_redis(reaper)


def start_own_redis(reaper: Reaper) -> str:
    """Return a new Valkey's address."""
    server = valkey.Valkey(reaper, valkey.find())
    server.wait(server.start())
    return server.url
