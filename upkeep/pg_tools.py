"""PostgreSQL's own pg_dump and pg_restore, in a version that fits the server."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient

# Debian keeps several versions away from PATH.
_DEBIAN = Path("/usr/lib/postgresql")


class ProgramMissing(Exception):
    """No program of a fitting version; the text says what to do."""


class ProgramFailed(Exception):
    """A program ended with an error; the text is its last line."""


def run(name: str, *options: str) -> None:
    """Run one on the database in use; raises ProgramMissing and ProgramFailed.

    The password goes by the environment, which other users cannot read.
    """
    given, env = DatabaseClient.settings_to_cmd_args_env(dict(connection.settings_dict), [])
    *where, database = map(str, given[1:])
    command = [str(_found(name)), *where, f"--dbname={database}", *options]
    done = subprocess.run(  # noqa: S603 (our own words, no shell)
        command, env=_environment(env), capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise ProgramFailed(f"{name}: {lines[-1]}")


def _environment(extra: dict[str, str] | None) -> dict[str, str]:
    """Nothing of ours is its business: no secret, no setting."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **(extra or {})}


def _found(name: str) -> Path:
    connection.ensure_connection()
    needed = connection.connection.info.server_version // 10_000
    versions = {path: _version(path) for path in _candidates(name)}
    fitting = [path for path, version in versions.items() if version >= needed]
    if not fitting:
        there = ", ".join(str(version) for version in versions.values()) or "none"
        raise ProgramMissing(
            f"{name} {needed} or newer is needed (found: {there}): "
            f"install postgresql-client-{needed}, or set PG_BIN to its folder."
        )
    return fitting[0]


def _candidates(name: str) -> Iterator[Path]:
    folders = [settings.PG_BIN] if settings.PG_BIN else [None, *sorted(_DEBIAN.glob("*/bin"))]
    for folder in folders:
        path = shutil.which(name, path=str(folder) if folder else None)
        if path:
            yield Path(path)


def _version(path: Path) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    number = re.search(r"\) (\d+)", said.stdout)
    return int(number[1]) if number else 0
