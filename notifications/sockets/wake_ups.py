"""Wake-ups of open sockets, published outside the request: a failure costs a log line, no more.

Each process has one thread with one event loop for them, because the channel layer keeps a
connection per loop: a loop per call would connect to Redis at each call. The process that holds the
sockets finds in the tables what is lost here (`notifications.sockets.reconciler`).
"""

import asyncio
import atexit
import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from django.conf import settings
from redis.exceptions import RedisError

from lib.redis_client import is_silence, redis_at

logger = logging.getLogger(__name__)
# What a call raises while the channel layer cannot be reached or hangs.
LAYER_UNAVAILABLE = (RedisError, OSError, TimeoutError)
TIMEOUT = 2.0
# Wake-ups that may wait for the channel layer; further ones are dropped.
MAX_QUEUE_SIZE = 5_000

WakeUp = Mapping[str, Any]


def user_group(owner_id: UUID) -> str:
    """Return the group of the sockets that show an account's events."""
    return f"user-{owner_id}"


def session_group(session_id: UUID) -> str:
    """Return the group of the sockets that a session opened."""
    return f"session-{session_id}"


def notify_group(group: str, wake_up: WakeUp) -> None:
    """Queue a wake-up of a group's sockets; never raise and never block."""
    _process_publisher().publish(group, wake_up)


class Publisher:
    """A thread that publishes wake-ups, one after the other."""

    def __init__(self) -> None:
        """Start the thread, and wait until it takes wake-ups."""
        self.pid = os.getpid()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wake-ups", daemon=True)
        self._thread.start()
        self._ready.wait()

    def publish(self, group: str, wake_up: WakeUp) -> None:
        """Queue a wake-up, from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._enqueue, (group, wake_up))
        except RuntimeError:
            logger.warning("a wake-up was dropped: the process is ending")

    def close(self) -> None:
        """Publish what waits, for at most TIMEOUT seconds, then end the thread."""
        if os.getpid() == self.pid and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._enqueue, None)
            self._thread.join(TIMEOUT)

    def _run(self) -> None:
        asyncio.run(self._publish_queued())

    def _enqueue(self, item: tuple[str, WakeUp] | None) -> None:
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            logger.warning("a wake-up was dropped: too many wait")

    async def _publish_queued(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[tuple[str, WakeUp] | None] = asyncio.Queue(MAX_QUEUE_SIZE)
        self._ready.set()
        while (item := await self._queue.get()) is not None:
            if not redis_at(settings.REDIS_URL).is_away:
                await self._publish_one(*item)

    async def _publish_one(self, group: str, wake_up: WakeUp) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(TIMEOUT):
                await get_channel_layer().group_send(group, wake_up)
        except LAYER_UNAVAILABLE as error:
            redis = redis_at(settings.REDIS_URL)
            redis.failed(error, was_silent=is_silence(error), began=began)
        except Exception:  # a wake-up must never end the thread
            logger.exception("a wake-up was dropped")


_start_lock = threading.Lock()
_publisher: Publisher | None = None


def _process_publisher() -> Publisher:
    """Return this process's publisher: a fork inherits the object, but not its thread."""
    global _publisher  # noqa: PLW0603 (one thread per process)
    with _start_lock:
        if _publisher is None or _publisher.pid != os.getpid():
            _publisher = Publisher()
            atexit.register(_publisher.close)
        return _publisher
