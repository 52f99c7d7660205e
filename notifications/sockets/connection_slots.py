"""Connection slots: how many sockets an account has open, counted over all processes.

A sorted set in Redis holds each socket with its expiry. A process that dies no longer renews its
slots, so they expire.
"""

import time
from collections.abc import Iterable
from functools import cache
from uuid import UUID

from django.conf import settings
from redis import Redis

MAX_SOCKETS = 20
RENEW_INTERVAL = 20.0
_SLOT_LIFETIME = 60


def take_slot(user_id: UUID, socket_id: str) -> bool:
    """Take a slot for a socket; return False where the account has none left. Raise RedisError.

    Two sockets that take the last slot at the same time may both be refused, never both accepted.
    """
    now, key = time.time(), _key(user_id)
    with _redis().pipeline(transaction=True) as steps:
        steps.zremrangebyscore(key, 0, now)
        steps.zadd(key, {socket_id: now + _SLOT_LIFETIME})
        steps.zcard(key)
        steps.expire(key, 2 * _SLOT_LIFETIME)
        taken = int(steps.execute()[2])
    if taken > MAX_SOCKETS:
        release_slot(user_id, socket_id)
        return False
    return True


def renew_slots(slots: Iterable[tuple[UUID, str]]) -> None:
    """Renew the slots of open sockets, given as (user id, socket id); raise RedisError."""
    now = time.time()
    with _redis().pipeline(transaction=False) as steps:
        for user_id, socket_id in slots:
            steps.zadd(_key(user_id), {socket_id: now + _SLOT_LIFETIME})
            steps.expire(_key(user_id), 2 * _SLOT_LIFETIME)
        steps.execute()


def release_slot(user_id: UUID, socket_id: str) -> None:
    """Give a slot back; raise RedisError."""
    _redis().zrem(_key(user_id), socket_id)


def _key(user_id: UUID) -> str:
    return f"{settings.CACHES['default']['KEY_PREFIX']}:sockets:{user_id}"


@cache
def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1)
