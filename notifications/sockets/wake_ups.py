"""Hints to open sockets, sent beside the request: a failure costs a log line and nothing else.

A process has one thread with one event loop for them, because the channel layer keeps its
connection per loop: a loop per call would connect to Redis per call. What gets lost here is found
in the tables by whoever holds the sockets (`notifications.sockets.reconciler`).
"""

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from lib.backoff import CircuitBreaker

logger = logging.getLogger(__name__)
# What a channel layer that is away, or hangs, makes a call raise.
LAYER_AWAY = (RedisError, OSError, TimeoutError)
PATIENCE = 2.0
# After a failure nothing is sent for so many seconds.
COOLDOWN = 2.0
# So many hints may wait for the layer; further ones are dropped.
MOST_WAITING = 5_000

Hint = Mapping[str, Any]


def user_group(owner_id: UUID) -> str:
    """Name the group of the sockets that show an account's events."""
    return f"user-{owner_id}"


def session_group(session_id: UUID) -> str:
    """Name the group of the sockets that a session opened."""
    return f"session-{session_id}"


def tell(group: str, hint: Hint) -> None:
    """Have a hint sent to a group's sockets, soon and in order; never fails and never waits."""
    _courier().take(group, hint)


class Courier:
    """A thread that sends hints, one after the other."""

    def __init__(self) -> None:
        """Start the thread."""
        self.pid = os.getpid()
        self._breaker = CircuitBreaker(COOLDOWN)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hints", daemon=True)
        self._thread.start()
        self._ready.wait()

    def take(self, group: str, hint: Hint) -> None:
        """Queue a hint, from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._put, (group, hint))
        except RuntimeError:
            logger.warning("a hint was dropped: the process is ending")

    def close(self) -> None:
        """Send what waits, at most for a moment, then end the thread."""
        if os.getpid() == self.pid and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._put, None)
            self._thread.join(PATIENCE)

    def _run(self) -> None:
        asyncio.run(self._send_all())

    def _put(self, item: tuple[str, Hint] | None) -> None:
        try:
            self._waiting.put_nowait(item)
        except asyncio.QueueFull:
            logger.warning("a hint was dropped: too many wait")

    async def _send_all(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Queue[tuple[str, Hint] | None] = asyncio.Queue(MOST_WAITING)
        self._ready.set()
        while (item := await self._waiting.get()) is not None:
            if not self._breaker.is_open:
                await self._send(*item)

    async def _send(self, group: str, hint: Hint) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await get_channel_layer().group_send(group, hint)
        except LAYER_AWAY as error:
            self._breaker.trip()
            logger.warning("the channel layer is away: %s", type(error).__name__)
        except Exception:  # a hint must never end the thread
            logger.exception("a hint was dropped")


_starting = threading.Lock()
_of_process: Courier | None = None


def _courier() -> Courier:
    """Return this process's courier: a forked process has inherited the object, not the thread."""
    global _of_process  # noqa: PLW0603 (one thread per process)
    with _starting:
        if _of_process is None or _of_process.pid != os.getpid():
            _of_process = Courier()
            atexit.register(_of_process.close)
        return _of_process
