"""Connection slots: how many sockets someone has open, counted over all processes.

`holder` is an account, or whatever else sockets are counted by. A sorted set in Redis holds each
socket with its expiry. A process that dies no longer renews its slots, so they expire.
"""

import time
from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from redis import Redis

from lib.redis_client import client_with_timeouts

MAX_SOCKETS = 20
RENEW_INTERVAL = 20.0
_SLOT_LIFETIME = 60
Holder = UUID | str


def take_slot(holder: Holder, socket_id: str, limit: int = MAX_SOCKETS) -> bool:
    """Take a slot for a socket; return False where the holder has none left. Raise RedisError.

    Two sockets that take the last slot at the same time may both be refused, never both accepted.
    """
    now, key = time.time(), _key(holder)
    with _redis().pipeline(transaction=True) as steps:
        steps.zremrangebyscore(key, 0, now)
        steps.zadd(key, {socket_id: now + _SLOT_LIFETIME})
        steps.zcard(key)
        steps.expire(key, 2 * _SLOT_LIFETIME)
        taken = int(steps.execute()[2])
    if taken > limit:
        release_slot(holder, socket_id)
        return False
    return True


def renew_slots(slots: Iterable[tuple[Holder, str]]) -> None:
    """Renew the slots of open sockets, given as (holder, socket id); raise RedisError."""
    now = time.time()
    with _redis().pipeline(transaction=False) as steps:
        for holder, socket_id in slots:
            steps.zadd(_key(holder), {socket_id: now + _SLOT_LIFETIME})
            steps.expire(_key(holder), 2 * _SLOT_LIFETIME)
        steps.execute()


def release_slot(holder: Holder, socket_id: str) -> None:
    """Give a slot back; raise RedisError."""
    _redis().zrem(_key(holder), socket_id)


def _key(holder: Holder) -> str:
    return f"{settings.CACHES['default']['KEY_PREFIX']}:sockets:{holder}"


def _redis() -> Redis:
    return client_with_timeouts(2, connect_seconds=1)
