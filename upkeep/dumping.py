"""The database as one file, and back: by pg_dump and pg_restore, or by SQLite's own copy."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.db import connection

from images.search_index import INDEX, SearchIndexMissing, make_search_index
from lib import durable_files
from upkeep.pg_tools import run_tool

_SUFFIXES = {"postgresql": ".pgdump", "sqlite": ".sqlite3"}
DUMP_SUFFIXES = frozenset(_SUFFIXES.values())


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
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    clean = ["--clean", "--if-exists"] if replace else []
    with NamedTemporaryFile("w", encoding="utf-8") as contents:
        contents.writelines(_contents_to_load(path))
        contents.flush()
        connection.close()
        run_tool("pg_restore", *options, *clean, f"--use-list={contents.name}", str(path))
    with suppress(SearchIndexMissing):  # as for `migrate`, which has said so
        make_search_index(connection)


def _contents_to_load(path: Path) -> Iterator[str]:
    """Yield the lines of a dump's list of contents that are loaded.

    Extensions and the index that needs them are not: the role may own none of those that are there,
    and could neither drop them nor make them anew. The index is made afterwards, if it can be.
    """
    for line in run_tool("pg_restore", "--list", str(path)).splitlines(keepends=True):
        words = line.split()
        if "EXTENSION" not in words and INDEX not in words:
            yield line


def _copy_sqlite_to(path: Path) -> None:
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as target:
        connection.connection.backup(target)


def _copy_sqlite_from(path: Path) -> None:
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as source:
        source.backup(connection.connection)
