"""Sockets that are nobody's yet: how many there may be, and for how long.

Anyone may open one, so they are counted over all processes, for each client address and in all.
"""

import asyncio
import logging
import time
from typing import Protocol

from redis.exceptions import RedisError

from notifications.sockets.connection_slots import (
    RENEW_INTERVAL,
    release_slot,
    renew_slots,
    take_slot,
)
from notifications.sockets.database_threads import run_in_thread

logger = logging.getLogger(__name__)
MAX_PER_ADDRESS = 50
# At 45 KiB each (`./dev bench sockets`), 93 MB of all socket servers together.
MAX_IN_ALL = 2_000
MAX_AGE = 600.0
# Seconds from the transport's handshake to the protocol's own, which clients send at once.
CONNECT_TIMEOUT = 20.0
POLL_INTERVAL = 2.0
_IN_ALL = "unbound"


class UnboundSocket(Protocol):
    """What is known of a socket here."""

    slot_id: str
    address: str
    opened_at: float

    @property
    def sid(self) -> str:
        """The client's `socket.id`, "" before it has one."""

    def end_soon(self) -> None:
        """Close the socket in a task of its own."""


class UnboundSockets:
    """The unbound sockets of this process."""

    def __init__(self) -> None:
        self._sockets: set[UnboundSocket] = set()
        self._task: asyncio.Task[None] | None = None
        self._renewed_at = time.monotonic()

    async def admit(self, socket: UnboundSocket) -> bool:
        """Take the socket's slots; return False where there are none left. Raise RedisError."""
        if not await run_in_thread(_take_slots, socket.address, socket.slot_id):
            return False
        self._sockets.add(socket)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return True

    async def remove(self, socket: UnboundSocket) -> None:
        """Give the slots back; what Redis cannot be told expires there. May be repeated."""
        if socket not in self._sockets:
            return
        self._sockets.discard(socket)
        if not self._sockets and self._task is not None:
            self._task.cancel()
            self._task = None
        try:
            await run_in_thread(_release_slots, socket.address, socket.slot_id)
        except RedisError as error:
            logger.debug("a slot was not given back: %s", type(error).__name__)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(POLL_INTERVAL)
            now = time.monotonic()
            for socket in [each for each in self._sockets if _is_overdue(each, now)]:
                socket.end_soon()
            if now - self._renewed_at >= RENEW_INTERVAL:
                self._renewed_at = now
                await self._renew_slots()

    async def _renew_slots(self) -> None:
        slots = [(_of_address(each.address), each.slot_id) for each in self._sockets]
        slots += [(_IN_ALL, each.slot_id) for each in self._sockets]
        try:
            await run_in_thread(renew_slots, slots)
        except RedisError as error:
            logger.debug("slots were not renewed: %s", type(error).__name__)


def _is_overdue(socket: UnboundSocket, now: float) -> bool:
    return now - socket.opened_at >= (MAX_AGE if socket.sid else CONNECT_TIMEOUT)


def _of_address(address: str) -> str:
    return f"{_IN_ALL}:{address}"


def _take_slots(address: str, slot_id: str) -> bool:
    if not take_slot(_of_address(address), slot_id, MAX_PER_ADDRESS):
        return False
    if not take_slot(_IN_ALL, slot_id, MAX_IN_ALL):
        release_slot(_of_address(address), slot_id)
        return False
    return True


def _release_slots(address: str, slot_id: str) -> None:
    release_slot(_of_address(address), slot_id)
    release_slot(_IN_ALL, slot_id)
