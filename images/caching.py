"""Lists kept for a few seconds, one account at a time.

A list is kept under its owner's current mark; a change puts a new mark in force after commit, so
that what was computed from older rows can never be found again (one's own write shows at once).
"""

import uuid
from collections.abc import Callable
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

Kept = TypeVar("Kept")
# A mark must outlive every list kept under it.
_MARK_SECONDS = 24 * 3600


def kept(owner_id: UUID, name: str, make: Callable[[], Kept]) -> Kept:
    """Return the list kept under `name`, made on first use.

    `name` must hold everything the list depends on besides the owner's rows.
    """
    if not settings.CACHE_SECONDS:
        return make()
    key = f"list:{owner_id}:{_mark(owner_id)}:{name}"
    found: Kept | None = cache.get(key)
    if found is None:
        found = make()
        cache.set(key, found, settings.CACHE_SECONDS)
    return found


def forget(owner_id: UUID) -> None:
    """Let nobody find what is kept of an account, once the running transaction commits."""
    transaction.on_commit(partial(_put_new_mark, owner_id), robust=True)


def _mark(owner_id: UUID) -> str:
    found: str | None = cache.get(_mark_key(owner_id))
    return found or _put_new_mark(owner_id)


def _put_new_mark(owner_id: UUID) -> str:
    mark = uuid.uuid4().hex
    cache.set(_mark_key(owner_id), mark, _MARK_SECONDS)
    return mark


def _mark_key(owner_id: UUID) -> str:
    return f"list-mark:{owner_id}"
