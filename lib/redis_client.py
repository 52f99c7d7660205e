"""The Redis clients of this process: one for each URL, for all threads, made on first use."""

from functools import cache
from typing import Any

from django.conf import settings
from redis import Redis


def redis_client() -> Redis:
    """Return the client of REDIS_URL; its calls raise RedisError."""
    options: Any = settings.CACHES["default"]["OPTIONS"]
    return client_of(settings.REDIS_URL, tuple(sorted(options.items())))


@cache
def client_of(url: str, options: tuple[tuple[str, Any], ...]) -> Redis:
    return Redis.from_url(url, **dict(options))
