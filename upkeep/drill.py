"""A restore that is tried: into a throw-away database and folder, which are gone afterwards.

Each step is a process of its own, in local mode, which knows nothing of the running service: not
its database, its storage, its broker or its Redis.
"""

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, connection

# The port of the discard protocol (RFC 863): nobody listens there.
_NO_REDIS = "redis://127.0.0.1:9/0"


class DrillFailed(Exception):
    """Which step failed, and its last line."""


def drill(folder: Path, dump: str) -> str:
    """Restore a backup elsewhere, compare rows and files, use it; return the outcome in one line.

    Needs as much room in TMPDIR as the files take, and on PostgreSQL a role that may create
    databases. Raise DrillFailed.
    """
    began = time.monotonic()
    with TemporaryDirectory(prefix="tintype-drill-") as place, _database() as url:
        step = _Steps(Path(place), url)
        restored = step.run("restore", "manage.py", "restore", str(folder), "--dump", dump)
        compared = step.run("verify", "manage.py", "verify_storage", "--hash")
        tried = step.run("use", "-m", "config.doctor.restored")
    return f"{restored} {compared} {tried} {time.monotonic() - began:.0f} s."


class _Steps:
    """Runs each step with the same variables."""

    def __init__(self, place: Path, database_url: str) -> None:
        self._variables = {
            "PATH": "/usr/bin:/bin",
            "TMPDIR": gettempdir(),
            "PG_BIN": settings.PG_BIN,
            "LOCAL": "on",
            "DATA_DIR": str(place / "data"),
            "DATABASE_URL": database_url,
            "REDIS_URL": _NO_REDIS,
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }

    def run(self, name: str, *arguments: str) -> str:
        """Return the first line that it prints."""
        # What it says of its progress goes where this command's does.
        done = subprocess.run(  # noqa: S603 (no shell, our own programs)
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=self._variables,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        lines = done.stdout.splitlines() or ["its own line says why."]
        if done.returncode:
            raise DrillFailed(f"{name}: {lines[-1]}")
        return lines[0].rstrip(".") + ";"


@contextmanager
def _database() -> Iterator[str]:
    """Make an empty database beside the one in use, and yield its address."""
    if connection.vendor == "sqlite":
        yield ""
        return
    name = f"tintype_drill_{secrets.token_hex(4)}"
    try:
        _execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    except DatabaseError as error:
        raise DrillFailed(f"database: {str(error).splitlines()[0]}") from error
    try:
        yield urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}").geturl()
    finally:
        _execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
