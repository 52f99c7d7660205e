"""The database as one file, and back: by pg_dump and pg_restore, or by SQLite's own copy."""

import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connection

from lib import durable_files
from upkeep.pg_tools import run_tool

_SUFFIXES = {"postgresql": ".pgdump", "sqlite": ".sqlite3"}


class DatabaseNotEmpty(Exception):
    """The database holds tables."""


def dump_suffix() -> str:
    """Return the suffix of dumps of this kind of database."""
    return _SUFFIXES[connection.vendor]


def dump(path: Path) -> None:
    """Write the database as of one moment into a file that only its owner can read.

    Atomic and durable. Raise ToolMissing and ToolFailed.
    """
    draft = path.with_name(f".{path.name}")
    draft.touch(mode=0o600)
    if connection.vendor == "sqlite":
        _copy_sqlite_to(draft)
    else:
        run_tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")
    draft.replace(path)
    durable_files.sync_folder(path.parent)


def load(path: Path, *, replace: bool) -> None:
    """Load a dump in one transaction.

    Raise DatabaseNotEmpty unless `replace`; ToolMissing and ToolFailed.
    """
    if connection.introspection.table_names() and not replace:
        raise DatabaseNotEmpty
    if connection.vendor == "sqlite":
        _copy_sqlite_from(path)
        return
    connection.close()
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    clean = ["--clean", "--if-exists"] if replace else []
    run_tool("pg_restore", *options, *clean, str(path))


def _copy_sqlite_to(path: Path) -> None:
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as target:
        connection.connection.backup(target)


def _copy_sqlite_from(path: Path) -> None:
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as source:
        source.backup(connection.connection)
