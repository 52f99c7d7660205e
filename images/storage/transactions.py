"""Files and the rows that name them: both are there, or neither."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.db import DatabaseError, transaction

from images.storage.base import picture_storage
from images.storage.outages import DATABASE_AWAY, is_outage

logger = logging.getLogger(__name__)


def save_all(files: Mapping[str, Path]) -> None:
    """Store several files under their keys, or none of them."""
    try:
        for key, source in files.items():
            picture_storage.save(key, source)
    except BaseException:
        _discard(files)
        raise


@contextmanager
def committed_with(*keys: str) -> Iterator[None]:
    """Open a transaction for the rows of some files; the files go where it fails.

    Once COMMIT is sent, only the database's own refusal says that the rows are not there. After
    anything else (a lost connection, a signal, what runs on commit) the files stay, and
    `manage.py verify_storage` finds those that no row names.
    """
    committing = False
    try:
        with transaction.atomic():
            yield
            committing = True
    except BaseException as error:
        if not committing or _is_refusal(error):
            _discard(keys)
        raise


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, DatabaseError) and not isinstance(error, DATABASE_AWAY)


def _discard(keys: Iterable[str]) -> None:
    """A storage that is away now must not hide what went wrong first."""
    try:
        picture_storage.delete_many(keys)
    except Exception as error:
        if not is_outage(error):
            raise
        logger.warning("files were left behind: %s: %s", type(error).__name__, list(keys))
