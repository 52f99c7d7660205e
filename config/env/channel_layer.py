"""How the channel layer waits for Redis: as briefly as the clients of `lib.redis_client`."""

from typing import Any

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError


class _RetryClosed(Retry):
    """Makes a call once more where its connection was closed."""

    def __repr__(self) -> str:
        """Settings are compared by how they read."""
        return "once more where the connection was closed"


# A call that is not answered in time is not made again; one whose connection was closed is.
OPTIONS: dict[str, Any] = {
    "socket_timeout": 2,
    "socket_connect_timeout": 1,
    "retry": _RetryClosed(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
}
