"""The Redis clients of this process: one for each URL with its options, for all threads.

All clients of a URL share its circuit breaker (`lib.parts`): while Redis is away a call raises a
ConnectionError at once. A call that is not answered in time is not made again, since the caller
would wait as long once more; one whose connection was closed is.
"""

import copy
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from lib.made_once import made_once
from lib.parts import Part

T = TypeVar("T")
_CHECK_TIMEOUT = 1.0
_CHECK_KEY = "tintype-is-there"


class RedisAway(RedisConnectionError):
    """Not even tried, because Redis was away a moment ago."""


class RedisFull(Exception):
    """Redis answers, and takes nothing more."""

    state = "full"


def redis_client() -> Redis:
    """Return the client of REDIS_URL; its calls raise RedisError."""
    options: Any = settings.CACHES["default"]["OPTIONS"]
    return client_of(settings.REDIS_URL, tuple(sorted(options.items())))


def client_with_timeouts(seconds: float, *, connect_seconds: float) -> Redis:
    """Return the client of REDIS_URL whose answers and connections are waited for so long."""
    timeouts = {"socket_connect_timeout": connect_seconds, "socket_timeout": seconds}
    return client_of(settings.REDIS_URL, tuple(sorted(timeouts.items())))


@made_once
def client_of(url: str, options: tuple[tuple[str, Any], ...]) -> Redis:
    return Redis.from_url(url, retry=_BreakingRetry(redis_at(url)), **dict(options))


def ask_redis(*command: str | bytes) -> Any:
    """Return what Redis at REDIS_URL answers to a command, by a connection of the calling thread.

    It raises what `redis_client()` raises, whose calls take a connection that any thread may have
    and give it back, which costs more than a short command: this is for what is asked so often
    that its threads may keep one.
    """
    connection = own_connection()

    def ask() -> Any:
        connection.send_command(*command)
        return connection.read_response()

    return connection.retry.call_with_retry(ask, lambda _: connection.disconnect())


def own_connection() -> Any:
    """Return the library's connection of the calling thread, every answer of which was read."""
    client = redis_client()
    if _own.client is not client:
        pool = client.connection_pool
        _own.client, _own.connection = client, pool.connection_class(**pool.connection_kwargs)
    return _own.connection


class _OwnConnection(threading.local):
    client: Redis | None = None
    connection: Any = None


_own = _OwnConnection()


def _forget_connection() -> None:
    """Leave the connection of a thread that was forked to its parent."""
    _own.client = _own.connection = None


os.register_at_fork(after_in_child=_forget_connection)


def may_be_readable(connection: Any) -> bool:
    """Tell whether a connection whose every answer was read may have another, or was closed.

    The library would try to read, under another timeout, which takes twenty times as long.
    """
    # The library names the socket nowhere else; without one there is something to find out.
    opened = connection._sock
    if opened is None:
        return True
    poll = select.poll()
    poll.register(opened, select.POLLIN)
    return bool(poll.poll(0))


@made_once
def redis_at(url: str) -> Part:
    """Return the Redis at a URL as a part of this process."""
    return Part("redis", lambda: check_redis(url))


def is_silence(error: BaseException) -> bool:
    """Tell whether Redis was waited for in vain; else it has refused at once."""
    return isinstance(error, (RedisTimeoutError, TimeoutError))


def check_redis(url: str) -> None:
    """Raise RedisError where Redis does not answer within a second, RedisFull where it is full."""
    client = _checking_client(url)
    try:
        client.set(_CHECK_KEY, 1, ex=60)
    except OutOfMemoryError:
        raise RedisFull from None
    except Exception:
        # Those that others are waiting at just now would fail as if Redis had refused.
        client.connection_pool.disconnect(inuse_connections=False)
        raise


@made_once
def _checking_client(url: str) -> Redis:
    return Redis.from_url(
        url,
        socket_timeout=_CHECK_TIMEOUT,
        socket_connect_timeout=_CHECK_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
    )


class _BreakingRetry(Retry):
    """The library asks it to make every call, from connecting to reading an answer."""

    def __init__(self, part: Part) -> None:
        super().__init__(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
        self._part = part

    def __deepcopy__(self, memo: dict[int, Any]) -> "_BreakingRetry":
        """Each connection gets a copy; the part is one for all."""
        copied = copy.copy(self)
        memo[id(self)] = copied
        return copied

    def call_with_retry(self, do: Callable[[], T], *args: Any, **kwargs: Any) -> T:
        if self._part.is_away:
            self._part.refuse()
            raise RedisAway("Redis is away.")
        began = time.monotonic()
        try:
            return super().call_with_retry(do, *args, **kwargs)
        except RedisAway:
            raise
        except (RedisConnectionError, RedisTimeoutError) as error:
            self._part.failed(error, was_silent=is_silence(error), began=began)
            raise
