"""What each account stores, counted in the transactions that add and remove rows.

Rows say themselves which files they name (`CountedRow.files`). Whatever saves or deletes them, one
by one, in numbers or by a cascade, changes the account's ledger in the same transaction; so does
`count_bytes`, for a file that comes to a row or leaves it. All changes of a transaction are written
together at its end, by one UPDATE for each account. So the ledger is locked last of all, after
owners, pictures and feeds, and for no longer than the commit takes: no two transactions wait for
each other, and parallel work on one account's pictures does not queue here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F

from accounts.models import User
from images.removals import RemovedFile, remove_after_commit
from lib.compiled_insert import CompiledInsert


class Column(models.TextChoices):
    """What the ledger counts."""

    PICTURES = "pictures", "pictures"
    ORIGINALS = "originals_bytes", "originals (bytes)"
    THUMBNAILS = "thumbnails_bytes", "thumbnails (bytes)"
    OTHER = "other_bytes", "other copies (bytes)"


Amounts = Counter[Column]


class Usage(models.Model):
    """An account's row of the ledger; none where nothing was ever stored.

    A release that does not know the table may have written pictures meanwhile, so that an amount
    can be wrong, even below zero, until `upkeep` has counted again.
    """

    # No constraint, so that a release that does not know this table can delete accounts; and no
    # cascade, which would lock this row before those of pictures: a receiver deletes it at the end.
    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        primary_key=True,
        related_name="+",
    )
    pictures = models.BigIntegerField(default=0, db_default=0)
    originals_bytes = models.BigIntegerField("originals (bytes)", default=0, db_default=0)
    thumbnails_bytes = models.BigIntegerField("thumbnails (bytes)", default=0, db_default=0)
    # Stripped copies and JPEG renditions.
    other_bytes = models.BigIntegerField("other copies (bytes)", default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.pictures} pictures, {self.stored_bytes} bytes"

    @property
    def stored_bytes(self) -> int:
        return self.originals_bytes + self.thumbnails_bytes + self.other_bytes

    @property
    def amounts(self) -> Amounts:
        return Counter({column: getattr(self, column) for column in Column})


# `Usage.stored_bytes` in queries.
STORED_BYTES = F("originals_bytes") + F("thumbnails_bytes") + F("other_bytes")


class RowFile(NamedTuple):
    """A file that a row names, where its bytes count, and how many they are if that is known."""

    column: Column
    key: str
    bytes: int | None


class _Changes:
    """What a transaction changes: amounts by account, and the files that nothing names any more."""

    def __init__(self) -> None:
        self.amounts: dict[UUID, Amounts] = {}
        self.removed: list[RemovedFile] = []

    def count(self, owner_id: UUID, amounts: Amounts) -> None:
        self.amounts.setdefault(owner_id, Counter()).update(amounts)

    def add(self, other: _Changes) -> None:
        for owner_id, amounts in other.amounts.items():
            self.count(owner_id, amounts)
        self.removed += other.removed

    def write(self) -> None:
        """Write everything, accounts in order: whoever changes several locks them alike."""
        for owner_id in sorted(self.amounts):
            if any(self.amounts[owner_id].values()):
                _write_amounts(owner_id, self.amounts[owner_id])
        if self.removed:
            remove_after_commit(self.removed)


_open_changes: ContextVar[_Changes | None] = ContextVar("ledger changes", default=None)


@contextmanager
def counted_transaction(*, savepoint: bool = True, durable: bool = False) -> Iterator[None]:
    """Open a transaction at whose end the ledger is written; an inner one leaves it to the outer.

    Nothing may be locked after it in the same transaction of the database: so open it around all
    that belongs together. One that must be `durable` raises RuntimeError inside of another.
    """
    outer, changes = _open_changes.get(), _Changes()
    with transaction.atomic(savepoint=savepoint, durable=durable):
        # Closed before the commit, since what runs on commit may open another.
        token = _open_changes.set(changes)
        try:
            yield
        finally:
            _open_changes.reset(token)
        if outer is None:
            changes.write()
        else:
            outer.add(changes)


def count_bytes(owner_id: UUID, column: Column, size: int) -> None:
    """Count the bytes of a file that came to an existing row, or negative ones that left it.

    Called in the `counted_transaction` that changes the row.
    """
    _running_changes().count(owner_id, Counter({column: size}))


def uncount_file(owner_id: UUID, file: RowFile) -> None:
    """Take a file that an existing row no longer names out of the ledger, and have it removed.

    Called in the `counted_transaction` that changes the row.
    """
    changes = _running_changes()
    changes.count(owner_id, Counter({file.column: -(file.bytes or 0)}))
    changes.removed.append(RemovedFile(key=file.key, bytes=file.bytes))


def _running_changes() -> _Changes:
    changes = _open_changes.get()
    if changes is None:
        raise transaction.TransactionManagementError("This needs a counted_transaction.")
    return changes


def _write_amounts(owner_id: UUID, amounts: Amounts) -> None:
    if not _add_amounts(owner_id, amounts):
        # Of two first changes at the same time one makes the row, then both count.
        Usage.objects.bulk_create([Usage(owner_id=owner_id)], ignore_conflicts=True)
        _add_amounts(owner_id, amounts)


def _add_amounts(owner_id: UUID, amounts: Amounts) -> int:
    """Add to an account's row; return how many rows that are.

    Written out, since Django takes longer to compile it than a database to run it.
    """
    changed = [each for each in Column if amounts[each]]
    changes = ", ".join(f"{each} = {each} + %s" for each in changed)
    owner = Usage._meta.pk.get_db_prep_value(owner_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"update images_usage set {changes} where owner_id = %s",  # noqa: S608 (our own columns)
            [*(amounts[each] for each in changed), owner],
        )
        return int(cursor.rowcount)


class CountedRow(models.Model):
    """A row that names files; saving it anew and deleting it change the ledger."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            super().save(*args, **kwargs)
            return
        with counted_transaction(savepoint=False):
            super().save(*args, **kwargs)
            _count_rows([self])

    @property
    def account_id(self) -> UUID:
        """Whose files they are."""
        raise NotImplementedError

    @property
    def files(self) -> list[RowFile]:
        """The files that the row names."""
        raise NotImplementedError

    @property
    def amounts(self) -> Amounts:
        """What the row adds to the ledger."""
        found: Amounts = Counter()
        for each in self.files:
            found[each.column] += each.bytes or 0
        return found

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with counted_transaction(savepoint=False):
            return super().delete(*args, **kwargs)


Row = TypeVar("Row", bound=CountedRow)


class CountedQuerySet(models.QuerySet[Row]):
    """Rows that name files, added and deleted in numbers."""

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Row]:
        """Add rows; conflicts must not be ignored, for then nobody knows what was added."""
        with counted_transaction(savepoint=False):
            made = super().bulk_create(objs, *args, **kwargs)
            _count_rows(made)
        return made

    def delete(self) -> tuple[int, dict[str, int]]:
        with counted_transaction(savepoint=False):
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    # As Django has it: deleting a whole table needs an explicit `.all()`.
    delete.queryset_only = True  # type: ignore[attr-defined]


def insert_rows(compiled: CompiledInsert[Row], rows: Sequence[Row]) -> None:
    """Add some rows as `bulk_create` does, by a statement that is compiled once."""
    with counted_transaction(savepoint=False):
        compiled.insert_all(rows)
        _count_rows(rows)


def _count_rows(rows: Sequence[CountedRow]) -> None:
    changes = _running_changes()
    for each in rows:
        changes.count(each.account_id, each.amounts)


def uncount_deleted(row: CountedRow, origin: object) -> None:
    """Take a row out of the ledger, and have its files removed after the commit.

    Called for every deleted row, by `post_delete`; `origin` is what that signal says. With an
    account its whole row of the ledger goes: there the files alone are recorded.
    """
    with counted_transaction(savepoint=False):
        _uncount(row, is_counted=model_of(origin) is not User)


def delete_rows(rows: Sequence[CountedRow]) -> None:
    """Delete rows of one model by one statement, as `delete` does it without what refers to them.

    The caller, in a `counted_transaction`, has locked them, and deleted what refers to them.
    """
    for row in rows:
        _uncount(row, is_counted=True)
    if rows:
        # No signal is sent and nothing is loaded again: Django's own deletion takes a query for
        # every 100 rows.
        found = type(rows[0])._base_manager.filter(pk__in=[row.pk for row in rows])
        found._raw_delete(found.db)


def _uncount(row: CountedRow, *, is_counted: bool) -> None:
    changes = _running_changes()
    if is_counted:
        changes.count(row.account_id, Counter({k: -n for k, n in row.amounts.items()}))
    changes.removed += [RemovedFile(key=each.key, bytes=each.bytes) for each in row.files]


def model_of(origin: object) -> type:
    """Return the model of what a deletion began with: a row or a queryset, as signals name it."""
    found: type = getattr(origin, "model", type(origin))
    return found


def rows_of(owner_ids: Collection[UUID]) -> dict[UUID, Usage]:
    """Return the ledger's rows of some accounts."""
    return Usage.objects.in_bulk(list(owner_ids))
