"""The socket at `/ws/pictures/`: authenticates, joins its groups, replays, delivers new events."""

import asyncio
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.exceptions import CrossSiteRequest
from accounts.models import Session
from lib.redis_client import is_silence, redis_at
from lib.request_id import set_request_id
from notifications.events import Event, session_ended_payload
from notifications.feed import EventPage, last_sequence, read_events
from notifications.sockets.authentication import Handshake, accept_handshake, accepted_subprotocol
from notifications.sockets.close_codes import (
    BAD_QUERY,
    SIGNED_OUT,
    TOO_MANY_SOCKETS,
    TOO_SLOW,
    TRY_LATER,
    CloseReason,
    SocketRefused,
)
from notifications.sockets.connection_slots import release_slot, take_slot
from notifications.sockets.database_threads import run_in_thread
from notifications.sockets.reconciler import running_reconciler
from notifications.sockets.subscription import Subscription
from notifications.sockets.wake_ups import session_group, user_group

logger = logging.getLogger(__name__)
# Renders, for a viewer, events of an account (the ids come in this order) as a contract's own
# messages; runs in a thread and may query the database.
Formatter = Callable[[UUID, UUID, list[Event]], list[Any]]
# Seconds that a slow reader gets to take the last messages before the connection is dropped.
CLOSE_TIMEOUT = 5.0
_UNAVAILABLE = (DatabaseError, RedisError)


class EventsConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """One connection."""

    handshake: Handshake
    _subscription: Subscription | None = None
    _delivery_task: asyncio.Task[None] | None = None
    _is_started = False
    _is_closing = False
    _is_dropped = False

    def __init__(self, formats: Mapping[str, Formatter]) -> None:
        """`formats` are the formats that a client may request, by name."""
        super().__init__()
        self.formats = formats

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve until the socket is closed, and release everything however it is closed."""
        self.socket_id = uuid.uuid4().hex
        set_request_id(self.socket_id)
        self._serving_task = asyncio.current_task()
        self.scope, self.base_send = scope, send
        redis = redis_at(settings.REDIS_URL)
        if redis.is_away:
            redis.refuse()
            await self._refuse(TRY_LATER)
            return
        try:
            await super().__call__(scope, receive, send)
        except RedisError as error:
            if self._is_started:
                raise
            redis.failed(error, was_silent=is_silence(error))
            await self._refuse(TRY_LATER)
        except asyncio.CancelledError:
            if not self._is_dropped:
                raise
        finally:
            await self._release()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the message's handler; Channels' own `dispatch` would use a thread each time."""
        await getattr(self, get_handler_name(message))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Answer the handshake; a refusal accepts it first, so that browsers see the close code."""
        self._is_started = True
        try:
            self.handshake = await run_in_thread(_admit, self.scope, self.socket_id, self.formats)
            await self._open()
        except CrossSiteRequest:
            await self.close()
        except SocketRefused as refused:
            await self._refuse(refused.close_reason)
        except _UNAVAILABLE as error:
            logger.warning("a socket was not opened: %s", type(error).__name__)
            await self._refuse(TRY_LATER)

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Ignore what a client sends: this socket only delivers."""

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """Stop the consumer; `__call__` releases what it holds."""
        raise StopConsumer

    async def feed_news(self, message: dict[str, Any]) -> None:
        """Handle a wake-up, whose type is `feed.news` between processes of all versions."""
        if self._subscription and not self._subscription.offer(message["event"]):
            await self._close_open_socket(TOO_SLOW)

    async def session_ended(self, message: dict[str, Any]) -> None:
        """Send `session.ended` and close."""
        payload = session_ended_payload(self.last, timezone.now(), self.owner_id)
        await self._close_open_socket(SIGNED_OUT, *([] if self.handshake.format else [payload]))

    # What the reconciler uses.

    @property
    def session_id(self) -> UUID:
        """The session that opened the socket."""
        return self.handshake.session.pk

    @property
    def user_id(self) -> UUID:
        """The account of that session."""
        return self.handshake.session.user_id

    @property
    def owner_id(self) -> UUID:
        """The account whose events it shows."""
        return self.handshake.owner_id

    @property
    def last(self) -> int:
        """The sequence of the newest event that was sent."""
        return self._subscription.last if self._subscription else 0

    def wake_up(self) -> None:
        """Read new events from the table."""
        if self._subscription:
            self._subscription.wake_up()

    def sign_out(self) -> None:
        """Close the socket in a task of its own."""
        self._closing_task = asyncio.create_task(self.session_ended({}))

    # The life of a connection.

    async def _open(self) -> None:
        """Join the groups, then read the position, then accept, so that no event is missed."""
        for group in self._groups():
            await self.channel_layer.group_add(group, self.channel_name)
        start = await run_in_thread(_first_position, self.handshake)
        self._subscription = Subscription(start, self._read, self._deliver)
        await self.accept(accepted_subprotocol(self.scope), self.handshake.headers)
        running_reconciler().add(self)
        self._delivery_task = asyncio.create_task(self._run(self._subscription))

    async def _run(self, stream: Subscription) -> None:
        try:
            await stream.run()
        except _UNAVAILABLE as error:
            logger.warning("a socket's events could not be read: %s", type(error).__name__)
            await self._close_open_socket(TRY_LATER)
        except (OSError, RuntimeError):
            # The client has disconnected; the server calls `websocket_disconnect`.
            return

    async def _read(self, after: int) -> EventPage:
        return await run_in_thread(read_events, self.owner_id, after)

    async def _deliver(self, events: list[Event]) -> None:
        render = self.formats.get(self.handshake.format)
        messages: list[Any] = events
        if render is not None:
            messages = await run_in_thread(render, self.user_id, self.owner_id, events)
        for message in messages:
            await self.send(text_data=_to_json(message))

    async def _refuse(self, reason: CloseReason) -> None:
        await self.accept(accepted_subprotocol(self.scope))
        await self.close(reason.code, reason.text)

    async def _close_open_socket(self, reason: CloseReason, *last_messages: Any) -> None:
        """Close an open socket; drop it when the reader is stuck for CLOSE_TIMEOUT seconds."""
        if self._is_closing:
            return
        self._is_closing = True
        logger.info("a socket is closed: %s", reason.text)
        if self._delivery_task and self._delivery_task is not asyncio.current_task():
            self._delivery_task.cancel()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                for message in last_messages:
                    await self.send(text_data=_to_json(message))
                await self.close(reason.code, reason.text)
        except (OSError, RuntimeError):
            logger.info("a socket is dropped without its last messages")
            self._is_dropped = True
            if self._serving_task:
                self._serving_task.cancel()

    async def _release(self) -> None:
        """Leave groups and slots; what Redis cannot be told expires there."""
        if self._delivery_task:
            self._delivery_task.cancel()
        if not hasattr(self, "handshake"):
            return
        running_reconciler().remove(self)
        with suppress(RedisError):
            for group in self._groups():
                await self.channel_layer.group_discard(group, self.channel_name)
            await run_in_thread(release_slot, self.user_id, self.socket_id)

    def _groups(self) -> list[str]:
        return [user_group(self.owner_id), session_group(self.session_id)]


def _admit(scope: Mapping[str, Any], socket_id: str, formats: Mapping[str, Formatter]) -> Handshake:
    handshake = accept_handshake(scope)
    if handshake.format and handshake.format not in formats:
        raise SocketRefused(BAD_QUERY)
    if not take_slot(handshake.session.user_id, socket_id):
        raise SocketRefused(TOO_MANY_SOCKETS)
    return handshake


def _first_position(handshake: Handshake) -> int:
    """Return where to start; raise SocketRefused when the session has ended meanwhile."""
    if not Session.objects.live().filter(pk=handshake.session.pk).exists():
        raise SocketRefused(SIGNED_OUT)
    return last_sequence(handshake.owner_id) if handshake.since is None else handshake.since


def _to_json(message: Any) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
