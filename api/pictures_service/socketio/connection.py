"""One socket: nobody's at first, bound to a session once, closed when that session ends."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

from channels.layers import get_channel_layer
from django.db import DatabaseError
from redis.exceptions import RedisError

from accounts.exceptions import BadToken
from accounts.models import Session
from api.pictures_service.socket_messages import changes_pictures, newest_pictures
from api.pictures_service.socketio.binding import BIND, session_to_bind, socket_group
from api.pictures_service.socketio.sign_in import authenticate_connect
from api.pictures_service.socketio.unbound_sockets import UnboundSockets
from notifications.events import Event
from notifications.feed import EventPage, last_sequence, read_events
from notifications.sockets.authentication import Scope
from notifications.sockets.connection_slots import release_slot, take_slot
from notifications.sockets.database_threads import run_in_thread
from notifications.sockets.reconciler import running_reconciler
from notifications.sockets.subscription import Subscription
from notifications.sockets.wake_ups import session_group, user_group

logger = logging.getLogger(__name__)
UPDATE_PICTURES = "update-pictures"
MAX_PICTURES = 100
# Seconds that a slow reader gets to take what was sent before the connection is dropped.
CLOSE_TIMEOUT = 5.0
# Seconds until the pictures are read again after the database was away.
RETRY_INTERVAL = 2.0
UNAVAILABLE = (DatabaseError, RedisError)


class NoSocketLeft(Exception):
    """The account has as many sockets as it may have."""


class Transport(Protocol):
    """What a connection asks of the library."""

    async def send_event(self, sid: str, name: str, payload: Any) -> None:
        """Queue an event for the client."""

    async def wait_until_taken(self, engine_id: str) -> None:
        """Wait until the client was given all that is queued."""

    async def close(self, engine_id: str) -> None:
        """Close the connection below the protocol, so that clients connect anew by themselves."""


class Connection:
    """A connection, from its handshake to its end."""

    def __init__(
        self, transport: Transport, unbound: UnboundSockets, scope: Scope, address: str
    ) -> None:
        """`address` is what sockets that are not bound are counted by."""
        self.slot_id = self.socket_id = uuid.uuid4().hex
        self.scope, self.address = scope, address
        self.opened_at = time.monotonic()
        # The library's names of the connection, and of the socket in it: the client's `socket.id`.
        self.engine_id = self.sid = ""
        # The task that serves its WebSocket, and whether a long poll waits.
        self.serving_task: asyncio.Task[Any] | None = None
        self.is_polling = False
        # Whether the client has sent its one `CONNECT`.
        self.has_connected = False
        self.has_ended = False
        self._transport, self._unbound = transport, unbound
        self._session: Session | None = None
        self._subscription: Subscription | None = None
        self._channel = ""
        self._groups: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(self, sid: str, auth: Any) -> None:
        """Begin to wait for a write that names the socket, or sign in at once.

        Raise BadToken, MissingScope, NoSocketLeft, or what UNAVAILABLE lists.
        """
        self._channel = await get_channel_layer().new_channel()
        self._start(self._receive())
        session = await run_in_thread(authenticate_connect, self.scope, auth)
        if session:
            if not await self._bind(session.pk, shows_now=False):
                raise BadToken("The session has ended.")
        else:
            await self._join(socket_group(sid))
        self.sid = sid

    def end_soon(self) -> None:
        """Close in a task of its own."""
        self._ending_task = asyncio.create_task(self.end())

    async def end(self) -> None:
        """Close, and release everything; may be repeated."""
        if self.has_ended:
            return
        self.has_ended = True
        for task in self._tasks:
            task.cancel()
        await self._close_transport()
        await self._unbound.remove(self)
        if self._session is None:
            slot_holder = None
        else:
            running_reconciler().remove(self)
            slot_holder = self._session.user_id
        with suppress(RedisError, OSError):
            if slot_holder:
                await run_in_thread(release_slot, slot_holder, self.socket_id)
            for group in self._groups:
                await get_channel_layer().group_discard(group, self._channel)

    # What the reconciler uses, once the socket is bound.

    @property
    def session_id(self) -> UUID:
        """The session that the socket is bound to."""
        return self._bound_session.pk

    @property
    def user_id(self) -> UUID:
        """The account of that session."""
        return self._bound_session.user_id

    @property
    def owner_id(self) -> UUID:
        """The account whose pictures it shows: always its own."""
        return self.user_id

    @property
    def last(self) -> int:
        """The sequence of the newest event that the client was told of."""
        return self._subscription.last if self._subscription else 0

    def wake_up(self) -> None:
        """Read new events from the table."""
        if self._subscription:
            self._subscription.wake_up()

    def sign_out(self) -> None:
        """Close: the session has ended."""
        self.end_soon()

    @property
    def _bound_session(self) -> Session:
        if self._session is None:
            raise RuntimeError("Only a bound socket has a session.")
        return self._session

    # The channel layer.

    async def _receive(self) -> None:
        handle: dict[str, Callable[[dict[str, Any]], Coroutine[Any, Any, None]]] = {
            BIND: self._on_bind,
            "feed.news": self._on_news,
            "session.ended": self._on_session_ended,
        }
        while True:
            message = await get_channel_layer().receive(self._channel)
            if message["type"] in handle:
                await handle[message["type"]](message)

    async def _on_bind(self, message: dict[str, Any]) -> None:
        """Bind at the first write that names the socket; after a failure the next one does."""
        try:
            await self._bind(session_to_bind(message), shows_now=True)
        except (*UNAVAILABLE, NoSocketLeft) as error:
            logger.warning("a socket was not bound: %s", type(error).__name__)

    async def _on_news(self, message: dict[str, Any]) -> None:
        if self._subscription and not self._subscription.offer(message["event"]):
            # The table keeps what a slow reader misses; many events are one message.
            self._subscription.wake_up()

    async def _on_session_ended(self, message: dict[str, Any]) -> None:
        self.end_soon()

    async def _join(self, group: str) -> None:
        self._groups.append(group)
        await get_channel_layer().group_add(group, self._channel)

    async def _leave(self, group: str) -> None:
        self._groups.remove(group)
        with suppress(RedisError, OSError):
            await get_channel_layer().group_discard(group, self._channel)

    # Binding, and what a bound socket is sent.

    async def _bind(self, session_id: UUID, *, shows_now: bool) -> bool:
        """Bind once; return False where the socket is bound already or the session has ended.

        Join the groups, then read the position, so that no change is missed.
        """
        if self._session is not None:
            return False
        session = await run_in_thread(_take_slot, session_id, self.socket_id)
        if session is None:
            return False
        try:
            await self._join(session_group(session.pk))
            await self._join(user_group(session.user_id))
            position = await run_in_thread(_position, session)
        except UNAVAILABLE:
            await self._leave_slot(session)
            raise
        if position is None or self.has_ended:
            await self._leave_slot(session)
            return False
        self._session = session
        self._subscription = Subscription(position, self._read, self._deliver)
        running_reconciler().add(self)
        self._start(self._run(self._subscription, shows_now=shows_now))
        await self._unbound.remove(self)
        if shows_now:
            await self._leave(socket_group(self.sid))
        return True

    async def _leave_slot(self, session: Session) -> None:
        with suppress(RedisError):
            await run_in_thread(release_slot, session.user_id, self.socket_id)

    async def _run(self, subscription: Subscription, *, shows_now: bool) -> None:
        """Deliver until cancelled; the database may be away meanwhile."""
        while True:
            try:
                if shows_now:
                    await self._send_pictures()
                    shows_now = False
                await subscription.run()
            except UNAVAILABLE as error:
                logger.warning("a socket's pictures were not read: %s", type(error).__name__)
                await asyncio.sleep(RETRY_INTERVAL)
                subscription.wake_up()

    async def _read(self, after: int) -> EventPage:
        return await run_in_thread(read_events, self.user_id, after)

    async def _deliver(self, events: list[Event]) -> None:
        if changes_pictures(events):
            await self._send_pictures()

    async def _send_pictures(self) -> None:
        """Send the pictures as they are once the client has taken the last message.

        So changes in quick succession, and those that a slow reader has yet to see, share one.
        """
        await self._transport.wait_until_taken(self.engine_id)
        owner = self.user_id
        pictures = await run_in_thread(newest_pictures, owner, owner, limit=MAX_PICTURES)
        await self._transport.send_event(self.sid, UPDATE_PICTURES, {"message": pictures})

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close_transport(self) -> None:
        """Close the connection; drop it where the reader is stuck."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._transport.close(self.engine_id)
        task = self.serving_task
        if task is None or task is asyncio.current_task():
            return
        task.cancel()
        await asyncio.wait({task}, timeout=CLOSE_TIMEOUT)
        # The library waits for its writer without end; a second time it does not.
        task.cancel()


def _take_slot(session_id: UUID, socket_id: str) -> Session | None:
    session = Session.objects.live().filter(pk=session_id).first()
    if session and not take_slot(session.user_id, socket_id):
        raise NoSocketLeft
    return session


def _position(session: Session) -> int | None:
    """Return the newest sequence of the account; None when the session has ended meanwhile."""
    if not Session.objects.live().filter(pk=session.pk).exists():
        return None
    return last_sequence(session.user_id)
