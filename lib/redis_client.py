"""The Redis clients of this process: one for each URL with its options, for all threads."""

from functools import cache
from typing import Any

from django.conf import settings
from redis import Redis


def redis_client() -> Redis:
    """Return the client of REDIS_URL; its calls raise RedisError."""
    options: Any = settings.CACHES["default"]["OPTIONS"]
    return client_of(settings.REDIS_URL, tuple(sorted(options.items())))


def client_with_timeouts(seconds: float, *, connect_seconds: float) -> Redis:
    """Return the client of REDIS_URL whose answers and connections are waited for so long."""
    timeouts = {"socket_connect_timeout": connect_seconds, "socket_timeout": seconds}
    return client_of(settings.REDIS_URL, tuple(sorted(timeouts.items())))


@cache
def client_of(url: str, options: tuple[tuple[str, Any], ...]) -> Redis:
    return Redis.from_url(url, **dict(options))
