"""The database as one file, and back: pg_dump's, or SQLite's own copy."""

import sqlite3
from pathlib import Path

from django.db import connection

from lib import durable_files
from upkeep.pg_tools import run

SUFFIXES = {"postgresql": ".pgdump", "sqlite": ".sqlite3"}


class NotEmpty(Exception):
    """A database that holds tables."""


def suffix() -> str:
    """Return how files of this kind of database end."""
    return SUFFIXES[connection.vendor]


def dump(path: Path) -> None:
    """Write the database as of one moment into a file that only its owner reads.

    It has its name only when it is whole, and keeps it on return. Raises
    ProgramMissing and ProgramFailed.
    """
    draft = path.with_name(f".{path.name}")
    draft.touch(mode=0o600)
    if connection.vendor == "sqlite":
        _copy_sqlite_to(draft)
    else:
        run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")
    draft.replace(path)
    durable_files.sync_folder(path.parent)


def load(path: Path, *, replacing: bool) -> None:
    """Make the database what the file holds: all of it, or nothing changes.

    Raises NotEmpty unless `replacing`, ProgramMissing and ProgramFailed.
    """
    if connection.introspection.table_names() and not replacing:
        raise NotEmpty
    if connection.vendor == "sqlite":
        _copy_sqlite_from(path)
        return
    connection.close()
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    clean = ["--clean", "--if-exists"] if replacing else []
    run("pg_restore", *options, *clean, str(path))


def _copy_sqlite_to(path: Path) -> None:
    connection.ensure_connection()
    target = sqlite3.connect(path)
    try:
        connection.connection.backup(target)
    finally:
        target.close()


def _copy_sqlite_from(path: Path) -> None:
    connection.ensure_connection()
    source = sqlite3.connect(path)
    try:
        source.backup(connection.connection)
    finally:
        source.close()
