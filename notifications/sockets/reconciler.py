"""The reconciler compares a process's open sockets with the tables every few seconds.

One query to each table for a batch of sockets finds those whose session has ended and those that
miss events. So a wake-up that was lost delays an event by a few seconds and costs nothing else.
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
from accounts.sessions import RECORD_USE_INTERVAL, record_use_of_all
from images.permissions import PicturePermission, accounts_that_reach_others
from notifications.feed import last_sequences
from notifications.metrics import OPEN_SOCKETS
from notifications.sockets.connection_slots import RENEW_INTERVAL, renew_slots
from notifications.sockets.database_threads import run_in_thread

logger = logging.getLogger(__name__)
POLL_INTERVAL = 3.0
# Sockets per query. Composing a long query would block the event loop, and so every socket.
BATCH_SIZE = 100
# Seconds that a wake-up under way gets to arrive before a socket counts as behind.
WAKE_UP_LEEWAY = 0.2


class OpenSocket(Protocol):
    """What the reconciler knows of a socket."""

    socket_id: str

    @property
    def session_id(self) -> UUID:
        """The session that opened it."""

    @property
    def user_id(self) -> UUID:
        """The account of that session."""

    @property
    def owner_id(self) -> UUID:
        """The account whose events it shows."""

    @property
    def last(self) -> int:
        """The sequence of the newest event that was sent."""

    def wake_up(self) -> None:
        """Read new events from the table."""

    def sign_out(self) -> None:
        """Close the socket: its session has ended, or may no longer see this account."""


@dataclass(frozen=True, slots=True)
class TableState:
    """Of a batch of sockets: the live sessions, and the newest sequence of each account.

    `viewers` are the accounts that watch another's events and may still see its pictures.
    """

    live_sessions: set[UUID]
    viewers: set[UUID]
    positions: dict[UUID, int]


class Reconciler:
    """The open sockets of one event loop."""

    def __init__(self) -> None:
        self._sockets: set[OpenSocket] = set()
        self._task: asyncio.Task[None] | None = None
        self._renewed_at = self._recorded_at = time.monotonic()

    def add(self, socket: OpenSocket) -> None:
        """Add a socket; the first one starts the task."""
        self._sockets.add(socket)
        OPEN_SOCKETS.set(len(self._sockets))
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def remove(self, socket: OpenSocket) -> None:
        """Remove a socket; the last one stops the task."""
        self._sockets.discard(socket)
        OPEN_SOCKETS.set(len(self._sockets))
        if not self._sockets and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _run(self) -> None:
        while True:
            sockets = list(self._sockets)
            batches = [sockets[i : i + BATCH_SIZE] for i in range(0, len(sockets), BATCH_SIZE)]
            for batch in batches:
                await asyncio.sleep(max(0, POLL_INTERVAL / len(batches) - WAKE_UP_LEEWAY))
                await self._reconcile(batch)

    async def _reconcile(self, sockets: Sequence[OpenSocket]) -> None:
        try:
            found = await run_in_thread(_read_tables, sockets)
            await asyncio.sleep(WAKE_UP_LEEWAY)
            self._act_on(sockets, found)
            await self._renew_slots()
            await self._record_use()
        except (DatabaseError, RedisError) as error:
            logger.warning("sockets were not reconciled: %s", type(error).__name__)
        except Exception:  # nothing may end the task
            logger.exception("sockets were not reconciled")

    def _act_on(self, sockets: Iterable[OpenSocket], found: TableState) -> None:
        for socket in self._sockets.intersection(sockets):
            if not _may_stay(socket, found):
                socket.sign_out()
            elif found.positions.get(socket.owner_id, 0) > socket.last:
                socket.wake_up()

    async def _renew_slots(self) -> None:
        if time.monotonic() - self._renewed_at >= RENEW_INTERVAL:
            self._renewed_at = time.monotonic()
            slots = [(each.user_id, each.socket_id) for each in self._sockets]
            await run_in_thread(renew_slots, slots)

    async def _record_use(self) -> None:
        """Record that the sessions are in use: a socket asks nothing for as long as it is open."""
        if time.monotonic() - self._recorded_at >= RECORD_USE_INTERVAL.total_seconds():
            self._recorded_at = time.monotonic()
            sessions = list({each.session_id for each in self._sockets})
            for start in range(0, len(sessions), BATCH_SIZE):
                await run_in_thread(record_use_of_all, sessions[start : start + BATCH_SIZE])


def _read_tables(sockets: Sequence[OpenSocket]) -> TableState:
    sessions = {socket.session_id for socket in sockets}
    live = Session.objects.live().filter(pk__in=sessions).values_list("pk", flat=True)
    watching = {each.user_id for each in sockets if each.user_id != each.owner_id}
    return TableState(
        live_sessions=set(live),
        viewers=_viewers_among(watching),
        positions=last_sequences(list({socket.owner_id for socket in sockets})),
    )


def _viewers_among(accounts: set[UUID]) -> set[UUID]:
    if not accounts:
        return set()
    viewers = accounts_that_reach_others(PicturePermission.VIEW)
    return set(viewers.filter(pk__in=accounts).values_list("pk", flat=True))


def _may_stay(socket: OpenSocket, found: TableState) -> bool:
    may_watch = socket.user_id == socket.owner_id or socket.user_id in found.viewers
    return may_watch and socket.session_id in found.live_sessions


_reconcilers: "WeakKeyDictionary[asyncio.AbstractEventLoop, Reconciler]" = WeakKeyDictionary()


def running_reconciler() -> Reconciler:
    """Return the reconciler of the running event loop."""
    return _reconcilers.setdefault(asyncio.get_running_loop(), Reconciler())
