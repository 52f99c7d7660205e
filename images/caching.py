"""Lists cached for a few seconds, one account at a time.

An entry begins with its owner's mark, which is read in the same trip. A change renews the mark
after its commit, so that a list computed from older rows never counts again: an account sees its
own writes at once.
"""

import json
import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from images.changes import announce_change
from lib.after_commit import run_after_commit
from lib.redis_client import ask_redis, redis_client

logger = logging.getLogger(__name__)
Value = TypeVar("Value")
# In seconds. A mark must outlive every list cached under it.
_MARK_TIMEOUT = 24 * 3600
# As JSON, as an earlier release reads it: 32 digits between quotes.
_MARK_LENGTH = 34


def _write_json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def cached(
    owner_id: UUID,
    name: str,
    compute: Callable[[], Value],
    *,
    is_valid: Callable[[Any], bool],
    write: Callable[[Value], bytes] = _write_json,
    read: Callable[[bytes], Any] = json.loads,
) -> Value:
    """Return the list cached under `name`, computed where there is none.

    `name` must contain everything that the list depends on besides the owner's rows. `read` must
    return what `write` wrote as it was, or raise ValueError, and `is_valid` must accept that alone:
    an entry that something else wrote counts as none.
    """
    if not settings.CACHE_SECONDS:
        return compute()
    mark, found = _find(owner_id, name, is_valid, read)
    if found is not None:
        value: Value = found
        return value
    # Before the rows are read: a change from here on renews it.
    mark = mark or _renew_mark(owner_id)
    value = compute()
    _write_entry(_keys(owner_id, name)[1], mark + write(value))
    return value


def find_cached(
    owner_id: UUID,
    name: str,
    *,
    is_valid: Callable[[Any], bool],
    read: Callable[[bytes], Any] = json.loads,
) -> Any:
    """Return the list that `cached` would return without computing it, else None."""
    if not settings.CACHE_SECONDS:
        return None
    return _find(owner_id, name, is_valid, read)[1]


def _find(
    owner_id: UUID, name: str, is_valid: Callable[[Any], bool], read: Callable[[bytes], Any]
) -> tuple[bytes, Any]:
    """Return an account's mark, empty where there is none, and what is cached, else None."""
    mark, entry = _read_both(*_keys(owner_id, name))
    if mark and entry.startswith(mark):
        with suppress(ValueError, RecursionError):
            found = read(entry[_MARK_LENGTH:])
            if is_valid(found):
                return mark, found
    return mark, None


def _read_both(mark_key: str, key: str) -> tuple[bytes, bytes]:
    """Return an account's mark and an entry, each empty where there is none."""
    try:
        found: list[Any] = ask_redis("MGET", mark_key, key)
    except RedisError as error:
        logger.debug("cache read failed: %s", type(error).__name__)
        return b"", b""
    mark, entry = (value or b"" for value in found)
    return (mark if len(mark) == _MARK_LENGTH else b""), entry


def _write_entry(key: str, entry: bytes) -> None:
    try:
        redis_client().set(key, entry, ex=settings.CACHE_SECONDS)
    except RedisError as error:
        logger.debug("cache write failed: %s", type(error).__name__)


def invalidate(owner_id: UUID) -> None:
    """Drop what is kept of an account, lists and links, when the running transaction commits."""
    run_after_commit(_renew_mark, owner_id)
    announce_change(owner_id)


def _renew_mark(owner_id: UUID) -> bytes:
    mark, key = f'"{uuid.uuid4().hex}"'.encode(), f"{cache.make_key('')}{_mark_name(owner_id)}"
    try:
        ask_redis("SET", key, mark, "EX", str(_MARK_TIMEOUT))
    except RedisError as error:
        logger.debug("cache write failed: %s", type(error).__name__)
    return mark


def _keys(owner_id: UUID, name: str) -> tuple[str, str]:
    """Return the keys of an account's mark and of a list, as Django's cache writes them."""
    beginning = cache.make_key("")
    return f"{beginning}{_mark_name(owner_id)}", f"{beginning}list:{owner_id}:{name}"


def _mark_name(owner_id: UUID) -> str:
    return f"list-mark:{owner_id}"
