"""The ledger compared with the rows that it counts, and counted again where it differs."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Sum

from accounts.models import User
from images.ledger import STORED_BYTES, Amounts, Column, Usage, rows_of
from thumbnails.usage import count_rows

# Accounts whose rows are counted together, by a few queries.
BATCH_SIZE = 500


class Deviation(NamedTuple):
    """An account whose ledger says so much more than its rows (less, where it is negative)."""

    owner_id: UUID
    surplus: Amounts

    def __str__(self) -> str:
        parts = [f"{self.surplus[each]:+} {each.label}" for each in Column if self.surplus[each]]
        return ", ".join(parts)


def compare_ledger(*, fix: bool) -> Iterator[Deviation]:
    """Yield every account whose ledger differs from its rows; with `fix` set it right.

    Harmless while the service runs: what seems to differ is counted again under a lock.
    """
    for owner_ids in _batches_of_accounts():
        counted, ledger = count_rows(owner_ids), rows_of(owner_ids)
        for owner_id in owner_ids:
            said = ledger[owner_id].amounts if owner_id in ledger else Counter()
            if _surplus(said, counted[owner_id]) and (found := recount(owner_id, fix=fix)):
                yield found
    if fix:
        _delete_rows_without_account()


@transaction.atomic
def recount(owner_id: UUID, *, fix: bool) -> Deviation | None:
    """Count an account's rows again; with `fix` write the result into its ledger.

    Exact while others write: whoever changes the account's rows writes the ledger before the
    commit. So under the lock, what is visible has been counted, and what is not yet visible waits
    with its change until this transaction ends.
    """
    Usage.objects.bulk_create([Usage(owner_id=owner_id)], ignore_conflicts=True)
    usage = Usage.objects.select_for_update().get(owner=owner_id)
    counted = count_rows([owner_id])[owner_id]
    surplus = _surplus(usage.amounts, counted)
    if not surplus:
        return None
    if fix:
        Usage.objects.filter(owner=owner_id).update(**{str(c): counted[c] for c in Column})
    return Deviation(owner_id, surplus)


def _surplus(said: Amounts, counted: Amounts) -> Amounts:
    differences = {each: said[each] - counted[each] for each in Column}
    return Counter({each: by for each, by in differences.items() if by})


def _batches_of_accounts() -> Iterator[list[UUID]]:
    accounts = User.objects.order_by("pk").values_list("pk", flat=True)
    batch = list(accounts[:BATCH_SIZE])
    while batch:
        yield batch
        batch = list(accounts.filter(pk__gt=batch[-1])[:BATCH_SIZE])


def _delete_rows_without_account() -> None:
    """Accounts that a release without the ledger deleted left theirs behind."""
    account = User.objects.filter(pk=OuterRef("owner_id"))
    Usage.objects.filter(~Exists(account)).delete()


def count_ledger() -> int:
    """Return the bytes of all accounts together, as the ledger says."""
    counted: int | None = Usage.objects.aggregate(bytes=Sum(STORED_BYTES))["bytes"]
    return int(counted or 0)
