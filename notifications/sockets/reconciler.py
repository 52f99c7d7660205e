"""Looks after a process's open sockets every few seconds, whatever Redis does.

One question to each table for many of them: whose session has ended, whose account has newer events
than it was sent. So a hint that was lost costs a few seconds and nothing else.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DatabaseError
from redis.exceptions import RedisError

from accounts.models import Session
from notifications.feed import positions
from notifications.metrics import OPEN_SOCKETS
from notifications.sockets.connection_slots import RENEW_EVERY, renew_seats
from notifications.sockets.database_threads import in_thread

logger = logging.getLogger(__name__)
LOOK_EVERY = 3.0
# So many at once, since a long question would hold up every socket while it is put together.
AT_ONCE = 100
# A hint that is on its way arrives meanwhile.
GRACE = 0.2


class Watched(Protocol):
    """An open socket."""

    session_id: UUID
    user_id: UUID
    owner_id: UUID
    socket_id: str

    @property
    def last(self) -> int:
        """The newest event that it was sent."""

    def nudge(self) -> None:
        """Have it look into the table."""

    def sign_out(self) -> None:
        """Close it: its session has ended, or may no longer watch this account."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the tables say."""

    staff_by_session: dict[UUID, bool]
    positions: dict[UUID, int]


class Watch:
    """The open sockets of one event loop."""

    def __init__(self) -> None:
        """Begin with none."""
        self._sockets: set[Watched] = set()
        self._task: asyncio.Task[None] | None = None
        self._renewed_at = time.monotonic()

    def add(self, socket: Watched) -> None:
        """Look after a socket; the first one starts the looking."""
        self._sockets.add(socket)
        OPEN_SOCKETS.set(len(self._sockets))
        if self._task is None:
            self._task = asyncio.create_task(self._look_on())

    def remove(self, socket: Watched) -> None:
        """Look after it no longer; without any the looking rests."""
        self._sockets.discard(socket)
        OPEN_SOCKETS.set(len(self._sockets))
        if not self._sockets and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _look_on(self) -> None:
        while True:
            sockets = list(self._sockets)
            batches = [sockets[i : i + AT_ONCE] for i in range(0, len(sockets), AT_ONCE)]
            for batch in batches:
                await asyncio.sleep(max(0, LOOK_EVERY / len(batches) - GRACE))
                await self._look_after(batch)

    async def _look_after(self, sockets: Sequence[Watched]) -> None:
        try:
            found = await in_thread(_findings, sockets)
            await asyncio.sleep(GRACE)
            self._judge(sockets, found)
            await self._renew()
        except (DatabaseError, RedisError) as error:
            logger.warning("sockets were not looked after: %s", type(error).__name__)
        except Exception:  # nothing may end the looking
            logger.exception("sockets were not looked after")

    def _judge(self, sockets: Iterable[Watched], found: Findings) -> None:
        for socket in self._sockets.intersection(sockets):
            if not _may_stay(socket, found):
                socket.sign_out()
            elif found.positions.get(socket.owner_id, 0) > socket.last:
                socket.nudge()

    async def _renew(self) -> None:
        if time.monotonic() - self._renewed_at >= RENEW_EVERY:
            self._renewed_at = time.monotonic()
            seats = [(each.user_id, each.socket_id) for each in self._sockets]
            await in_thread(renew_seats, seats)


def _findings(sockets: Iterable[Watched]) -> Findings:
    sessions = {socket.session_id for socket in sockets}
    live = Session.objects.live().filter(pk__in=sessions).values_list("pk", "user__is_staff")
    return Findings(dict(live), positions(list({socket.owner_id for socket in sockets})))


def _may_stay(socket: Watched, found: Findings) -> bool:
    is_staff = found.staff_by_session.get(socket.session_id)
    return is_staff is not None and (is_staff or socket.user_id == socket.owner_id)


_watches: "WeakKeyDictionary[asyncio.AbstractEventLoop, Watch]" = WeakKeyDictionary()


def watch() -> Watch:
    """Return the running event loop's watch."""
    return _watches.setdefault(asyncio.get_running_loop(), Watch())
