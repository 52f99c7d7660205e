"""Files whose rows are gone: each stands in a table until the storage has removed it.

The row is written in the transaction that deletes what named the file. So a file is removed sooner
or later, whatever happens to the process or to the storage after the commit.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection, models, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from images.storage.base import picture_storage
from images.storage.outages import is_outage
from lib.after_commit import run_after_commit
from lib.background import background, background_task, enqueue_soon
from lib.batches import let_others_write

logger = logging.getLogger(__name__)
# Files whose rows are locked together while they are removed: a tenth of a second on a disk.
BATCH_SIZE = 4_000
# So many files, those of some pictures, are removed at once by whoever deleted their rows; what
# more there is, by the worker.
MAX_AT_ONCE = 100
# A storage that fails so often in a row is away: the rest of the batch waits for the next run.
_MAX_FAILURES = 3


class RemovedFile(models.Model):
    """A file that no row names any more, and that is to be removed; its row goes with it."""

    # Not unique: a release that does not know this table may use a preferred name again.
    key = models.CharField(max_length=200, db_index=True)
    # Null where the deleted row did not say.
    bytes = models.PositiveIntegerField(null=True)
    removed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.key


class Waiting(NamedTuple):
    """So many files wait for their removal, and their bytes in all."""

    files: int
    bytes: int


def remove_after_commit(files: Sequence[RemovedFile]) -> None:
    """Record files whose rows the running transaction deletes, and remove them after its commit.

    Many are left to the worker.
    """
    if len(files) > MAX_AT_ONCE:
        _record(files)
        run_after_commit(enqueue_soon, remove_files)
    else:
        recorded = RemovedFile.objects.bulk_create(files)
        run_after_commit(_remove_first, [each.pk for each in recorded])


def _record(files: Sequence[RemovedFile]) -> None:
    """Write many rows, by one statement that is prepared once."""
    table, now = RemovedFile._meta.db_table, timezone.now()
    removed_at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"insert into {table} (key, bytes, removed_at) values (%s, %s, %s)",  # noqa: S608 (our own name)
            [(each.key, each.bytes, removed_at) for each in files],
        )


def waits_for_removal(key: str) -> bool:
    """Tell whether a file under this key is about to be removed, so that no row may name it."""
    return RemovedFile.objects.filter(key=key).exists()


def count_waiting() -> Waiting:
    """Return what waits for its removal."""
    found = RemovedFile.objects.aggregate(files=Count("pk"), bytes=Sum("bytes"))
    return Waiting(found["files"], found["bytes"] or 0)


def remove_waiting_files() -> int:
    """Remove the files that wait, batch by batch, oldest first; return how many were removed.

    Those that the storage does not remove now wait for the next call.
    """
    count, last = _remove_next(0)
    while last is not None and not background.is_stopping:
        let_others_write()
        removed, last = _remove_next(last)
        count += removed
    return count


@transaction.atomic
def _remove_next(after: int) -> tuple[int, int | None]:
    """Remove the next files that wait, unless somebody else does at this moment.

    Return how many were removed, and the last row if there may be more.
    """
    waiting = RemovedFile.objects.filter(pk__gt=after).order_by("pk")
    rows = list(waiting.select_for_update(skip_locked=True)[:BATCH_SIZE])
    removed = _remove_locked(rows, retry=True) if rows else 0
    return removed, rows[-1].pk if len(rows) == BATCH_SIZE else None


@background_task("images.remove_files")
def remove_files() -> None:
    """Remove the files of deleted rows that were not removed at once, batch by batch."""
    remove_waiting_files()


@transaction.atomic
def _remove_first(row_ids: list[int]) -> None:
    """Remove them, unless the storage does not at once: whoever deleted them is waiting."""
    rows = RemovedFile.objects.filter(pk__in=row_ids).select_for_update(skip_locked=True)
    _remove_locked(list(rows.order_by("pk")), retry=False)


def _remove_locked(rows: list[RemovedFile], *, retry: bool) -> int:
    """Remove files whose rows are locked, and these; return how many.

    The lock on a row is the right to remove its file: without it, a slow process could remove a
    file that was stored under the same name since.
    """
    removed = _delete_files(rows, retry=retry)
    RemovedFile.objects.filter(pk__in=removed).delete()
    return len(removed)


def _delete_files(rows: list[RemovedFile], *, retry: bool) -> list[int]:
    """Delete files and return the rows of those that are gone.

    With `retry` one that fails stops no other.
    """
    try:
        picture_storage.delete_many([each.key for each in rows])
    except Exception as error:
        if not _may_pass(error):
            raise
        logger.warning("%s files are not removed yet: %s", len(rows), type(error).__name__)
        return _delete_one_by_one(rows) if retry else []
    return [each.pk for each in rows]


def _delete_one_by_one(rows: list[RemovedFile]) -> list[int]:
    removed: list[int] = []
    failures = 0
    for each in rows:
        try:
            picture_storage.delete(each.key)
        except Exception as error:
            if not _may_pass(error):
                raise
            logger.warning("a file is not removed yet: %s: %s", type(error).__name__, each.key)
            failures += 1
            if failures == _MAX_FAILURES:
                break
        else:
            failures = 0
            removed.append(each.pk)
    return removed


def _may_pass(error: Exception) -> bool:
    return is_outage(error) or isinstance(error, OSError)
