"""Files and the rows that name them: both are there, or neither."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.db import DatabaseError, transaction

from images.ledger import counted_transaction
from images.removals import RemovedFile, record_removed
from images.storage.base import picture_storage
from images.storage.outages import DATABASE_AWAY, is_outage

logger = logging.getLogger(__name__)


@contextmanager
def stored_files(files: Mapping[str, Path]) -> Iterator[None]:
    """Store local files under fresh keys, and open a transaction for the rows that name them.

    The ledger is written at its end. It is no part of another transaction: nothing may be locked
    while the storage is asked.

    The files are deleted again when one of them cannot be stored, when the block raises, and when
    the database refuses the commit; later, where the storage does not delete them now. After any
    other error at the commit or later (a lost connection, a signal, what runs on commit) the rows
    may be there, so the files stay; `manage.py verify_storage` finds those that no row names.
    """
    is_committing = False
    try:
        picture_storage.save_all(files)
        with counted_transaction(durable=True):
            yield
            is_committing = True
    except BaseException as error:
        if not is_committing or _is_refusal(error):
            _delete(files)
        raise


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, DatabaseError) and not isinstance(error, DATABASE_AWAY)


def _delete(keys: Iterable[str]) -> None:
    """Raise no outage, for it would hide the first error."""
    try:
        picture_storage.delete_many(keys)
    except Exception as error:
        if not is_outage(error):
            raise
        _delete_later(keys)


def _delete_later(keys: Iterable[str]) -> None:
    try:
        with transaction.atomic():
            record_removed([RemovedFile(key=key) for key in keys])
    except DATABASE_AWAY as error:
        logger.warning("files could not be deleted: %s: %s", type(error).__name__, list(keys))
