"""Limits whose counters lie in Redis, for all processes: several are counted by one trip.

Counters have the names that the library `limits` gives them, and are what it counts. While Redis
cannot be reached, each process counts for itself by the library.
"""

import logging
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from limits import RateLimitItem
from limits.storage import MemoryStorage, RedisStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from redis.exceptions import RedisError

from lib.made_once import made_once
from lib.redis_client import ask_redis, redis_client

logger = logging.getLogger(__name__)

# A limit, and the key whose calls it counts: an address, a network, an account or a device.
Limit = tuple[RateLimitItem, str]

_ADD = """
local function add(position, amount)
    local count = redis.call('INCRBY', KEYS[position], amount)
    if count == amount then redis.call('EXPIRE', KEYS[position], ARGV[2 * position]) end
    return count
end
"""
# Counts one call at each of the first counters, of which it takes all but one back where that is
# past its limit. Returns that one's position, or 0, and what the other counters are at.
_HIT_AND_LOOK = f"""{_ADD}
local hits, found = tonumber(ARGV[1]), {{0}}
for position = 1, hits do
    if add(position, 1) > tonumber(ARGV[2 * position + 1]) then
        for before = 1, position - 1 do add(before, -1) end
        return {{position}}
    end
end
for position = hits + 1, #KEYS do
    table.insert(found, tonumber(redis.call('GET', KEYS[position]) or 0))
end
return found
"""
_ADD_TO_ALL = f"""{_ADD}
for position = 1, #KEYS do add(position, tonumber(ARGV[1])) end
"""


def hit(limits: Sequence[Limit], look_at: Sequence[Limit] = ()) -> tuple[Limit | None, list[bool]]:
    """Count one call on each limit; return one that was reached, and whether others have room.

    Where one was reached, none of `limits` but that one is counted, and nothing is looked at.
    """
    try:
        exceeded, *counts = _ask(_HIT_AND_LOOK, len(limits), [*limits, *look_at])
    except RedisError as error:
        logger.debug("throttling within this process only: %s", type(error).__name__)
        return _hit_here(limits, look_at)
    if exceeded:
        return limits[exceeded - 1], []
    return None, [count < item.amount for count, (item, _) in zip(counts, look_at, strict=True)]


def add(amount: int, limits: Sequence[Limit]) -> None:
    """Count calls on each limit, also where it is reached, or take them back."""
    try:
        _ask(_ADD_TO_ALL, amount, limits)
    except RedisError:
        for item, key in limits:
            _process_limiter().hit(item, key, cost=amount)


def seconds_left(limit: Limit) -> int:
    """Return after how many seconds a limit counts anew; 1 at least."""
    item, key = limit
    try:
        reset_time = _storage().get_expiry(item.key_for(key))
    except RedisError:
        reset_time = _process_limiter().get_window_stats(item, key).reset_time
    return max(1, round(reset_time - time.time()))


def _ask(script: str, first: int, limits: Sequence[Limit]) -> Any:
    prefixed = _storage().prefixed_key
    names = [prefixed(item.key_for(key)) for item, key in limits]
    bounds = [str(each) for item, _ in limits for each in (item.get_expiry(), item.amount)]
    return ask_redis("EVAL", script, str(len(names)), *names, str(first), *bounds)


def _hit_here(limits: Sequence[Limit], look_at: Sequence[Limit]) -> tuple[Limit | None, list[bool]]:
    limiter = _process_limiter()
    for position, (item, key) in enumerate(limits):
        if not limiter.hit(item, key):
            for before, its_key in limits[:position]:
                limiter.hit(before, its_key, cost=-1)
            return (item, key), []
    return None, [limiter.test(item, key) for item, key in look_at]


@made_once
def _process_limiter() -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(MemoryStorage())


@made_once
def _storage() -> RedisStorage:
    url = settings.REDIS_URL.replace("unix://", "redis+unix://", 1)
    prefix = f"{settings.CACHES['default']['KEY_PREFIX']}-limits"
    pool: Any = redis_client().connection_pool
    storage = storage_from_string(url, key_prefix=prefix, connection_pool=pool)
    if not isinstance(storage, RedisStorage):
        raise TypeError("The throttle counts in one Redis.")
    return storage
