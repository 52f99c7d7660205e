"""Transactions that are a test's own, as the one around it: the storage may be asked in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

_BLOCKED = "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"


@contextmanager
def own_transaction() -> Iterator[None]:
    """Open one that commits at its end."""
    block: Any = transaction.atomic()
    block._from_testcase = True
    with block:
        yield


@contextmanager
def undone() -> Iterator[None]:
    """Roll back whatever the block writes, so that the next request finds the rows as they were."""
    with own_transaction():
        yield
        transaction.set_rollback(True)


def another_connection_waits() -> bool:
    """Tell whether another connection waits for what this one's transaction has locked."""
    with connection.cursor() as cursor:
        cursor.execute(_BLOCKED)
        return bool(cursor.fetchone()[0])
