"""How many sockets an account has open, over every process: a set in Redis whose members age out.

A process that dies gives its places back by no longer renewing them.
"""

import time
from collections.abc import Iterable
from functools import cache
from uuid import UUID

from django.conf import settings
from redis import Redis

MOST_SOCKETS = 20
RENEW_EVERY = 20.0
_LASTS = 60


def take_seat(user_id: UUID, socket_id: str) -> bool:
    """Take a place for a socket; False where the account has none left. Raises RedisError.

    Two that come at once for the last place may both be refused, never both admitted.
    """
    now, key = time.time(), _key(user_id)
    with _redis().pipeline(transaction=True) as steps:
        steps.zremrangebyscore(key, 0, now)
        steps.zadd(key, {socket_id: now + _LASTS})
        steps.zcard(key)
        steps.expire(key, 2 * _LASTS)
        taken = int(steps.execute()[2])
    if taken > MOST_SOCKETS:
        leave_seat(user_id, socket_id)
        return False
    return True


def renew_seats(seats: Iterable[tuple[UUID, str]]) -> None:
    """Keep the places of open sockets; raises RedisError."""
    now = time.time()
    with _redis().pipeline(transaction=False) as steps:
        for user_id, socket_id in seats:
            steps.zadd(_key(user_id), {socket_id: now + _LASTS})
            steps.expire(_key(user_id), 2 * _LASTS)
        steps.execute()


def leave_seat(user_id: UUID, socket_id: str) -> None:
    """Give a place back; raises RedisError."""
    _redis().zrem(_key(user_id), socket_id)


def _key(user_id: UUID) -> str:
    return f"{settings.CACHES['default']['KEY_PREFIX']}:sockets:{user_id}"


@cache
def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1)
