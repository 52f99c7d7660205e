"""The socket at `/ws/pictures/`: signs in, joins its groups, sends what was missed, goes live."""

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
from django.db import DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.exceptions import CrossSiteRequest
from accounts.models import Session
from lib.backoff import CircuitBreaker
from lib.request_id import set_request_id
from notifications.events import Event, session_ended
from notifications.feed import Page, position, read
from notifications.sockets.authentication import Visit, subprotocol_of, visit_of
from notifications.sockets.close_codes import (
    BAD_QUERY,
    FELL_BEHIND,
    SIGNED_OUT,
    TOO_MANY_SOCKETS,
    TRY_LATER,
    Closing,
    Refused,
)
from notifications.sockets.connection_slots import leave_seat, take_seat
from notifications.sockets.database_threads import in_thread
from notifications.sockets.reconciler import watch
from notifications.sockets.subscription import Stream
from notifications.sockets.wake_ups import COOLDOWN, session_group, user_group

logger = logging.getLogger(__name__)
# How a contract says a batch of an account's events in its own words; may ask the database.
Format = Callable[[UUID, list[Event]], list[Any]]
# A reader that does not take even the last words within this many seconds goes without them.
LAST_WORDS_SECONDS = 5.0
_AWAY = (DatabaseError, RedisError)
# While the channel layer cannot be reached, this process refuses handshakes at once.
_channel_layer_breaker = CircuitBreaker(COOLDOWN)


class EventsConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """One open socket."""

    visit: Visit
    _stream: Stream | None = None
    _running: asyncio.Task[None] | None = None
    _is_started = False
    _is_closing = False
    _is_given_up = False

    def __init__(self, formats: Mapping[str, Format]) -> None:
        """Know the formats that a client may ask for."""
        super().__init__()
        self.formats = formats

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve until the socket is closed, and leave nothing behind however that comes."""
        self.socket_id = uuid.uuid4().hex
        set_request_id(self.socket_id)
        self._whole = asyncio.current_task()
        self.scope, self.base_send = scope, send
        if _channel_layer_breaker.is_open:
            await self._turn_away(TRY_LATER)
            return
        try:
            await super().__call__(scope, receive, send)
        except RedisError as error:
            if self._is_started:
                raise
            _channel_layer_breaker.trip()
            logger.warning("the channel layer is away: %s", type(error).__name__)
            await self._turn_away(TRY_LATER)
        except asyncio.CancelledError:
            if not self._is_given_up:
                raise
        finally:
            await self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle a message; Channels' own way asks a thread for stale connections each time."""
        await getattr(self, get_handler_name(message))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Answer the handshake: a refusal is accepted first, so that a browser sees its code."""
        self._is_started = True
        try:
            self.visit = await in_thread(_admitted, self.scope, self.socket_id, self.formats)
            await self._open()
        except CrossSiteRequest:
            await self.close()
        except Refused as refused:
            await self._turn_away(refused.closing)
        except _AWAY as error:
            logger.warning("a socket was not opened: %s", type(error).__name__)
            await self._turn_away(TRY_LATER)

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Pass over what a client says: this socket only tells."""

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """End; what was taken is given back in `__call__`."""
        raise StopConsumer

    async def feed_news(self, message: dict[str, Any]) -> None:
        """Take note of a hint."""
        if self._stream and not self._stream.hint(message["event"]):
            await self._end(FELL_BEHIND)

    async def session_ended(self, message: dict[str, Any]) -> None:
        """Say so and close."""
        word = session_ended(self.last, timezone.now(), self.owner_id)
        await self._end(SIGNED_OUT, *([] if self.visit.format else [word]))

    # What the watch asks.

    @property
    def session_id(self) -> UUID:
        """The session that opened the socket."""
        return self.visit.session.pk

    @property
    def user_id(self) -> UUID:
        """The account of that session."""
        return self.visit.session.user_id

    @property
    def owner_id(self) -> UUID:
        """The account whose events it shows."""
        return self.visit.owner_id

    @property
    def last(self) -> int:
        """The newest event that it was sent."""
        return self._stream.last if self._stream else 0

    def nudge(self) -> None:
        """Look into the table."""
        if self._stream:
            self._stream.nudge()

    def sign_out(self) -> None:
        """Close it, beside whatever it does."""
        self._closing = asyncio.create_task(self.session_ended({}))

    # How it lives.

    async def _open(self) -> None:
        """Join the groups, then note where to begin, then accept: nothing falls in between."""
        for group in self._groups():
            await self.channel_layer.group_add(group, self.channel_name)
        start = await in_thread(_start_of, self.visit)
        self._stream = Stream(start, self._read, self._deliver)
        await self.accept(subprotocol_of(self.scope), self.visit.headers)
        watch().add(self)
        self._running = asyncio.create_task(self._run(self._stream))

    async def _run(self, stream: Stream) -> None:
        try:
            await stream.run()
        except _AWAY as error:
            logger.warning("a socket's events could not be read: %s", type(error).__name__)
            await self._end(TRY_LATER)
        except (OSError, RuntimeError):
            # The client has gone; the server says so to `websocket_disconnect`.
            return

    async def _read(self, after: int) -> Page:
        return await in_thread(read, self.owner_id, after)

    async def _deliver(self, events: list[Event]) -> None:
        write = self.formats.get(self.visit.format)
        said = events if write is None else await in_thread(write, self.owner_id, events)
        for each in said:
            await self.send(text_data=_json(each))

    async def _turn_away(self, closing: Closing) -> None:
        await self.accept(subprotocol_of(self.scope))
        await self.close(closing.code, closing.reason)

    async def _end(self, closing: Closing, *words: Any) -> None:
        """Close an open socket; one that is stuck is dropped after a few seconds."""
        if self._is_closing:
            return
        self._is_closing = True
        logger.info("a socket is closed: %s", closing.reason)
        if self._running and self._running is not asyncio.current_task():
            self._running.cancel()
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                for word in words:
                    await self.send(text_data=_json(word))
                await self.close(closing.code, closing.reason)
        except (OSError, RuntimeError):
            logger.info("a socket is dropped without its last words")
            self._is_given_up = True
            if self._whole:
                self._whole.cancel()

    async def _leave(self) -> None:
        """Give back what was taken; what Redis is not told ages out there."""
        if self._running:
            self._running.cancel()
        if not hasattr(self, "visit"):
            return
        watch().remove(self)
        with suppress(RedisError):
            for group in self._groups():
                await self.channel_layer.group_discard(group, self.channel_name)
            await in_thread(leave_seat, self.user_id, self.socket_id)

    def _groups(self) -> list[str]:
        return [user_group(self.owner_id), session_group(self.session_id)]


def _admitted(scope: Mapping[str, Any], socket_id: str, formats: Mapping[str, Format]) -> Visit:
    visit = visit_of(scope)
    if visit.format and visit.format not in formats:
        raise Refused(BAD_QUERY)
    if not take_seat(visit.session.user_id, socket_id):
        raise Refused(TOO_MANY_SOCKETS)
    return visit


def _start_of(visit: Visit) -> int:
    """Return where to begin; the session may have ended before its group was joined."""
    if not Session.objects.live().filter(pk=visit.session.pk).exists():
        raise Refused(SIGNED_OUT)
    return position(visit.owner_id) if visit.since is None else visit.since


def _json(said: Any) -> str:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))
