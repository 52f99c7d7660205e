"""The Redis client of this process: one for all threads, made on first use."""

from functools import cache
from typing import Any

from django.conf import settings
from redis import Redis


@cache
def redis_client() -> Redis:
    """Return the client of REDIS_URL; its calls raise RedisError."""
    options: Any = settings.CACHES["default"]["OPTIONS"]
    return Redis.from_url(settings.REDIS_URL, **options)
