"""PostgreSQL's own pg_dump and pg_restore, in a version that fits the server."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.client import DatabaseClient

# Debian installs each version here, and puts none of them on PATH.
_DEBIAN_ROOT = Path("/usr/lib/postgresql")


class ToolMissing(Exception):
    """There is no tool of a suitable version; the message says what to install."""


class ToolFailed(Exception):
    """A tool ended with an error; the message is its last line."""


def run_tool(name: str, *options: str) -> str:
    """Run a tool on the database in use and return what it prints; raise ToolMissing, ToolFailed.

    It gets the password in its environment, which other users cannot read.
    """
    arguments, env = DatabaseClient.settings_to_cmd_args_env(dict(connection.settings_dict), [])
    *where, database = map(str, arguments[1:])
    command = [str(_find_tool(name)), *where, f"--dbname={database}", *options]
    done = subprocess.run(  # noqa: S603 (no shell, no argument from outside)
        command, env=_environment(env), capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise ToolFailed(f"{name}: {lines[-1]}")
    return done.stdout


def _environment(extra: dict[str, str] | None) -> dict[str, str]:
    """Hand down none of the service's own variables: no secret, no setting."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **(extra or {})}


def _find_tool(name: str) -> Path:
    connection.ensure_connection()
    needed = connection.connection.info.server_version // 10_000
    versions = {path: _version(path) for path in _candidates(name)}
    suitable = [path for path, version in versions.items() if version >= needed]
    if not suitable:
        found = ", ".join(str(version) for version in versions.values()) or "none"
        raise ToolMissing(
            f"{name} {needed} or newer is needed (found: {found}): "
            f"install postgresql-client-{needed}, or set PG_BIN to its folder."
        )
    return suitable[0]


def _candidates(name: str) -> Iterator[Path]:
    folders = [settings.PG_BIN] if settings.PG_BIN else [None, *sorted(_DEBIAN_ROOT.glob("*/bin"))]
    for folder in folders:
        path = shutil.which(name, path=str(folder) if folder else None)
        if path:
            yield Path(path)


def _version(path: Path) -> int:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    number = re.search(r"\) (\d+)", done.stdout)
    return int(number[1]) if number else 0
