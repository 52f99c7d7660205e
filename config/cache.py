"""The cache, which may be away without anyone noticing but the log."""

import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class ForgivingRedisCache(RedisCache):
    """Reads miss and writes are dropped, with a log line, while the server is away or refuses.

    Only what can be computed again is kept here: a cache that is down must not fail a request.
    """

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return `default` when the server does not answer with a value."""
        try:
            return super().get(key, default, version)
        except RedisError as error:
            logger.warning("cache read failed: %s", type(error).__name__)
            return default

    def set(self, key: str, value: Any, timeout: Any = None, version: int | None = None) -> None:
        """Drop the value when the server does not take it."""
        try:
            super().set(key, value, timeout, version)
        except RedisError as error:
            logger.warning("cache write failed: %s", type(error).__name__)
