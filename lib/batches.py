"""Work in bounded batches, so that no statement holds locks for long."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models import QuerySet

BATCH_SIZE = 5_000
# Of rows that a transaction locks: so many pictures go with two thumbnails each in 0.2 s, in which
# nobody else writes to SQLite.
LOCKED_BATCH_SIZE = 700
# A writer that waits for SQLite looks again after a tenth of a second at most.
_SQLITE_PAUSE = 0.11
Item = TypeVar("Item")


def in_batches(items: Sequence[Item], size: int = LOCKED_BATCH_SIZE) -> Iterator[Sequence[Item]]:
    """Cut a sequence into pieces of at most so many items."""
    return (items[start : start + size] for start in range(0, len(items), size))


def delete_batch(rows: QuerySet[Any]) -> int:
    """Delete at most BATCH_SIZE of some rows; return how many, those that go with them included."""
    keys = list(rows.values_list("pk", flat=True)[:BATCH_SIZE])
    deleted, _ = rows.model.objects.filter(pk__in=keys).delete()
    return int(deleted)


def let_others_write() -> None:
    """Let whoever waits write between two batches; only SQLite does not see to it by itself.

    It has one writer at a time and no queue of them: who writes batch after batch keeps all others
    out. Does nothing in a transaction.
    """
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(_SQLITE_PAUSE)
