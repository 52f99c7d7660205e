"""Deletions in bounded batches, so that no statement holds locks for long."""

from typing import Any

from django.db.models import QuerySet

BATCH_SIZE = 5_000


def delete_batch(rows: QuerySet[Any]) -> int:
    """Delete at most BATCH_SIZE of some rows; return how many, those that go with them included."""
    keys = list(rows.values_list("pk", flat=True)[:BATCH_SIZE])
    deleted, _ = rows.model.objects.filter(pk__in=keys).delete()
    return int(deleted)
