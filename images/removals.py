"""Files whose rows are gone: each stands in a table until the storage has removed it.

The row is written in the transaction that deletes what named the file. So a file is removed sooner
or later, whatever happens to the process or to the storage after the commit.

Nothing is locked while the storage is asked: whoever removes files leases their rows before, by a
statement of its own. Where somebody is slower than a lease, and another was there first, the row
stays a while after the file: until then no new file gets its name, which the slow one would remove.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, models, transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from images.storage.base import picture_storage
from images.storage.keys import parent_of
from images.storage.outages import is_outage
from lib.after_commit import run_after_commit
from lib.background import background, background_task, enqueue_soon
from lib.batches import in_batches, let_others_write
from lib.compiled_query import CompiledValues

logger = logging.getLogger(__name__)
# Files whose rows are leased together, and how many of them are removed by one call.
BATCH_SIZE, CALL_SIZE = 4_000, 100
# The last call begins early enough to end with the lease: a storage that is silent is given up
# after seconds, and then asked no more.
LEASE, LAST_CALL = timedelta(minutes=2), timedelta(minutes=1)
# For so long a row stays after a file that somebody may still name or remove.
KEPT = timedelta(days=1)
# So many files, those of some pictures, are removed at once by whoever deleted their rows; what
# more there is, by the worker.
MAX_AT_ONCE = 100
# A storage that fails so often in a row is away: the rest waits for the next run.
_MAX_FAILURES = 3


class RemovedFile(models.Model):
    """A file that no row names any more, and that is to be removed; its row goes with it."""

    # Not unique: a release that does not know this table may use a preferred name again.
    key = models.CharField(max_length=200, db_index=True)
    # Null where the deleted row did not say.
    bytes = models.PositiveIntegerField(null=True)
    removed_at = models.DateTimeField(default=timezone.now)
    # No row ever named the file: an upload has died, or is about to write its row.
    is_stray = models.BooleanField(default=False, db_default=False)
    leased_until = models.DateTimeField(null=True)
    # Of a row that stays after its file.
    gone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key


_waiting = CompiledValues(RemovedFile.objects.all, "key", ["id"])


class FileRemoved(Exception):
    """The file under a key is to be removed, or may be gone: no row may name it."""


class Waiting(NamedTuple):
    """So many files wait for their removal, and their bytes in all."""

    files: int
    bytes: int


def remove_after_commit(files: Sequence[RemovedFile]) -> None:
    """Record files whose rows the running transaction deletes, and remove them after its commit.

    Many are left to the worker.
    """
    if len(files) > MAX_AT_ONCE:
        record_removed(files)
        run_after_commit(enqueue_soon, remove_files)
    else:
        run_after_commit(_remove_first, RemovedFile.objects.bulk_create(files))


def record_removed(files: Sequence[RemovedFile]) -> None:
    """Write many rows, by one statement that is prepared once; the worker finds them."""
    table, now = RemovedFile._meta.db_table, timezone.now()
    removed_at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"insert into {table} (key, bytes, removed_at, is_stray) values (%s, %s, %s, %s)",  # noqa: S608 (our own name)
            [(each.key, each.bytes, removed_at, each.is_stray) for each in files],
        )


def remove_strays(files: Sequence[RemovedFile]) -> None:
    """Record files that no row names, unless they wait already, and remove them after the commit.

    The caller's lock keeps rows that name them from coming in between. Who has stored such a file,
    and writes its row after this, calls `require_kept` before.
    """
    keys = [each.key for each in files]
    known = set(RemovedFile.objects.filter(key__in=keys).values_list("key", flat=True))
    strays = [each for each in files if each.key not in known]
    for each in strays:
        each.is_stray = True
    if strays:
        remove_after_commit(strays)


def waits_for_removal(key: str) -> bool:
    """Tell whether the file under a key is to be removed, or may be gone."""
    return _waiting.first(key) is not None


def require_kept(key: str) -> None:
    """Raise FileRemoved where no row may name a key."""
    if waits_for_removal(key):
        raise FileRemoved


def reserve(key: str) -> RemovedFile | None:
    """Reserve a key that was perhaps used before; return None where it is not free.

    What will be stored there counts as a file that is to be removed, until `take` takes it back: so
    nothing is left of a process that dies in between. The caller holds a lock, in a transaction,
    that everybody holds who reserves this key.
    """
    if waits_for_removal(key):
        return None
    return RemovedFile.objects.create(key=key, leased_until=timezone.now() + LEASE)


def take(reserved: RemovedFile) -> None:
    """Let a row name a reserved key, in the row's transaction; raise FileRemoved if it is late."""
    mine = RemovedFile.objects.filter(pk=reserved.pk, leased_until=reserved.leased_until)
    if not mine.filter(gone_at=None).delete()[0]:
        raise FileRemoved


def count_waiting() -> Waiting:
    """Return what waits for its removal."""
    waiting = RemovedFile.objects.filter(gone_at=None)
    found = waiting.aggregate(files=Count("pk"), bytes=Sum("bytes"))
    return Waiting(found["files"], found["bytes"] or 0)


def remove_waiting_files() -> int:
    """Remove the files that wait, batch by batch, oldest first; return how many were removed.

    Those that the storage does not remove now wait for the next call.
    """
    RemovedFile.objects.filter(gone_at__lt=timezone.now() - KEPT).delete()
    count, last = _remove_next(0)
    while last is not None and not background.is_stopping:
        let_others_write()
        removed, last = _remove_next(last)
        count += removed
    return count


def _remove_next(after: int) -> tuple[int, int | None]:
    """Remove the next files that wait, unless somebody else does at this moment.

    Return how many were removed, and the last row if there may be more.
    """
    rows = _lease_next(after)
    removed = _remove_leased(rows, retry=True) if rows else 0
    return removed, rows[-1].pk if len(rows) == BATCH_SIZE else None


@background_task("images.remove_files")
def remove_files() -> None:
    """Remove the files of deleted rows that were not removed at once, batch by batch."""
    remove_waiting_files()


def _is_free(now: datetime) -> Q:
    return Q(Q(leased_until=None) | Q(leased_until__lt=now), gone_at=None)


@transaction.atomic
def _lease_next(after: int) -> list[RemovedFile]:
    now = timezone.now()
    waiting = RemovedFile.objects.filter(_is_free(now), pk__gt=after).order_by("pk")
    rows = list(waiting.select_for_update(skip_locked=True)[:BATCH_SIZE])
    if rows:
        _lease(rows, now, RemovedFile.objects.filter(pk__in=[each.pk for each in rows]))
    return rows


def _remove_first(rows: list[RemovedFile]) -> None:
    """Remove them, unless the storage does not at once: whoever deleted them is waiting."""
    now, ids = timezone.now(), [each.pk for each in rows]
    free = RemovedFile.objects.filter(_is_free(now), pk__in=ids)
    if _lease(rows, now, free) < len(rows):
        ours = set(_leased(rows).values_list("pk", flat=True))
        rows = [each for each in rows if each.pk in ours]
    if rows:
        _remove_leased(rows, retry=False)


def _lease(rows: list[RemovedFile], now: datetime, found: models.QuerySet[RemovedFile]) -> int:
    """Take a lease on rows; return on how many."""
    for each in rows:
        # Whose lease it was may be slow, and not dead.
        each.is_stray = each.is_stray or each.leased_until is not None
        each.leased_until = now + LEASE
    return found.update(leased_until=now + LEASE)


def _leased(rows: Sequence[RemovedFile]) -> models.QuerySet[RemovedFile]:
    """Return those of some rows, leased together, of which the lease is still ours."""
    until = rows[0].leased_until if rows else None
    return RemovedFile.objects.filter(pk__in=[each.pk for each in rows], leased_until=until)


def _remove_leased(rows: list[RemovedFile], *, retry: bool) -> int:
    """Remove files whose rows are leased, and these; return how many."""
    removed: list[RemovedFile] = []
    for batch in in_batches(rows, CALL_SIZE):
        until = batch[0].leased_until
        gone = _delete_files(batch, retry=retry)
        removed += gone
        if not gone or until is None or timezone.now() > until - LAST_CALL:
            break
    for folder in {parent_of(each.key) for each in removed}:
        picture_storage.remove_empty_folder(folder)
    _end_lease(rows, removed)
    return len(removed)


def _end_lease(rows: list[RemovedFile], removed: list[RemovedFile]) -> None:
    """Delete the rows of removed files, except those that stay; whoever likes takes the others."""
    if kept := [each for each in removed if each.is_stray]:
        _leased(kept).update(gone_at=timezone.now())
    if done := [each for each in removed if not each.is_stray]:
        _leased(done).delete()
    gone = {each.pk for each in removed}
    if left := [each for each in rows if each.pk not in gone]:
        _leased(left).update(leased_until=None)


def _delete_files(rows: Sequence[RemovedFile], *, retry: bool) -> list[RemovedFile]:
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
    return list(rows)


def _delete_one_by_one(rows: Sequence[RemovedFile]) -> list[RemovedFile]:
    removed: list[RemovedFile] = []
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
            removed.append(each)
    return removed


def _may_pass(error: Exception) -> bool:
    return is_outage(error) or isinstance(error, OSError)
