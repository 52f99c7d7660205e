"""The database as it was, after a test whose transactions were real.

Django empties every table of every app, and makes content types, permissions and groups anew: a
second of two processes. Nearly all of those tables were empty before and after the test.
"""

from typing import Any

from django.db import connection, transaction
from django.test import TransactionTestCase

Rows = list[tuple[Any, ...]]
_flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # not in the stubs


class Emptying:
    """Knows the rows that the migrations left; `restore` stands in for Django's own flush."""

    def __init__(self) -> None:
        names = connection.introspection.django_table_names(only_existing=True)
        self._tables = sorted(set(names))
        self._kept: dict[str, Rows] = {}
        self._remember()

    def restore(self, test_case: TransactionTestCase) -> None:
        """Delete what a test has written; flush where it changed a row that was there before."""
        written = self._tables_with_rows()
        if any(name not in written or _rows_of(name) != self._kept[name] for name in self._kept):
            _flush(test_case)
            self._remember()
            return
        # Foreign keys are checked at the commit, so that the order does not matter.
        with transaction.atomic(), connection.cursor() as cursor:
            for name in written - self._kept.keys():
                cursor.execute(f"DELETE FROM {_quoted(name)}")  # noqa: S608 (Django's own names)

    def _remember(self) -> None:
        self._kept = {name: _rows_of(name) for name in self._tables_with_rows()}

    def _tables_with_rows(self) -> set[str]:
        question = " UNION ALL ".join(
            f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {_quoted(name)})"  # noqa: S608
            for name in self._tables
        )
        with connection.cursor() as cursor:
            cursor.execute(question)
            return {name for [name] in cursor.fetchall()}


def _rows_of(name: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {_quoted(name)}")  # noqa: S608
        return sorted(cursor.fetchall(), key=repr)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
