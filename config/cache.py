"""A cache backend that holds plain data, and whose outage fails no request."""

import json
import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import Redis
from redis.exceptions import RedisError

from lib.redis_client import client_of

logger = logging.getLogger(__name__)


class JsonSerializer:
    """Writes values as JSON.

    Django's own serializer pickles: whoever can write to Redis would run code in every process.
    """

    def dumps(self, value: Any) -> bytes:
        """Return a value as JSON; raise TypeError and ValueError for what JSON cannot hold."""
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()

    def loads(self, data: bytes) -> Any:
        """Return the value; raise ValueError or RecursionError for what `dumps` did not write."""
        return json.loads(data)


class _OneClient(RedisCacheClient):
    """Django's client makes one of the library's for each call, which costs more than the call."""

    def __init__(self, servers: list[str], serializer: Any = None, **options: Any) -> None:
        super().__init__(servers, serializer, **options)
        self._url, self._options = servers[0], tuple(sorted(options.items()))

    def get_client(self, key: Any = None, *, write: bool = False) -> Redis:
        """Return the client of this process; the address is the cache's only one."""
        return client_of(self._url, self._options)


class ForgivingRedisCache(RedisCache):
    """While Redis is away, reads miss and writes are dropped, each with a log line.

    An entry that holds no JSON is a miss too. Only what can be computed again may be cached here,
    and only what JSON can hold: a tuple comes back as a list.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {**params.get("OPTIONS", {}), "serializer": JsonSerializer}
        super().__init__(server, {**params, "OPTIONS": options})
        self._class = _OneClient

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except (RedisError, ValueError, RecursionError) as error:
            logger.debug("cache read failed: %s", type(error).__name__)
            return default

    def set(self, key: str, value: Any, timeout: Any = None, version: int | None = None) -> None:
        try:
            super().set(key, value, timeout, version)
        except RedisError as error:
            logger.debug("cache write failed: %s", type(error).__name__)
