"""Lists cached for a few seconds, one account at a time.

The cache key of a list contains its owner's current generation. A change starts a new generation
after its commit, so that a list computed from older rows is never found again: an account sees its
own writes at once.
"""

import uuid
from collections.abc import Callable
from typing import Any, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.core.cache import cache

from images.changes import announce_change
from lib.after_commit import run_after_commit

Value = TypeVar("Value")
# In seconds. A generation must outlive every list cached under it.
_GENERATION_TIMEOUT = 24 * 3600


def cached(
    owner_id: UUID,
    name: str,
    compute: Callable[[], Value],
    *,
    is_valid: Callable[[Any], bool],
) -> Value:
    """Return the list cached under `name`, computed where there is none.

    `name` must contain everything that the list depends on besides the owner's rows. `compute`
    must return plain data that JSON gives back as it was, and `is_valid` must accept that alone:
    an entry that something else wrote counts as none.
    """
    if not settings.CACHE_SECONDS:
        return compute()
    key = f"list:{owner_id}:{_current_generation(owner_id)}:{name}"
    found = cache.get(key)
    if is_valid(found):
        return cast("Value", found)
    value = compute()
    cache.set(key, value, settings.CACHE_SECONDS)
    return value


def invalidate(owner_id: UUID) -> None:
    """Drop what is kept of an account, lists and links, when the running transaction commits."""
    run_after_commit(_start_generation, owner_id)
    announce_change(owner_id)


def _current_generation(owner_id: UUID) -> str:
    generation = cache.get(_generation_key(owner_id))
    if isinstance(generation, str) and generation:
        return generation
    return _start_generation(owner_id)


def _start_generation(owner_id: UUID) -> str:
    generation = uuid.uuid4().hex
    cache.set(_generation_key(owner_id), generation, _GENERATION_TIMEOUT)
    return generation


def _generation_key(owner_id: UUID) -> str:
    return f"list-mark:{owner_id}"
