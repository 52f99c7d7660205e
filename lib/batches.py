"""Work in bounded batches, so that no statement holds locks for long."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.db.models import QuerySet

BATCH_SIZE = 5_000
# Of rows that a transaction locks and changes one by one.
LOCKED_BATCH_SIZE = 1_000
Item = TypeVar("Item")


def in_batches(items: Sequence[Item], size: int = LOCKED_BATCH_SIZE) -> Iterator[Sequence[Item]]:
    """Cut a sequence into pieces of at most so many items."""
    return (items[start : start + size] for start in range(0, len(items), size))


def delete_batch(rows: QuerySet[Any]) -> int:
    """Delete at most BATCH_SIZE of some rows; return how many, those that go with them included."""
    keys = list(rows.values_list("pk", flat=True)[:BATCH_SIZE])
    deleted, _ = rows.model.objects.filter(pk__in=keys).delete()
    return int(deleted)
