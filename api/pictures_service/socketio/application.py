"""`/socket.io/`, before the library: who may open a connection, and how much a client may send."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from redis.exceptions import RedisError

from accounts.request_authentication import read_origin
from accounts.throttling import throttling_key
from api.pictures_service.socketio.connection import Connection
from api.pictures_service.socketio.server import CONNECTION, MAX_MESSAGE_SIZE, SocketIoServer
from api.pictures_service.socketio.unbound_sockets import UnboundSockets
from lib.cors import cors_headers, preflight_headers
from lib.redis_client import redis_at
from lib.request_id import is_valid_request_id, new_request_id, set_request_id
from notifications.sockets.authentication import join_headers, make_request

logger = logging.getLogger(__name__)
PATH = "/socket.io"
RETRY_AFTER = 5
_METHODS = ("GET", "POST")

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def is_socketio_path(path: str) -> bool:
    """Tell whether an address is that of socket.io, with or without its slash."""
    return path.removesuffix("/") == PATH


class SocketIoApplication:
    """The ASGI application of one process."""

    def __init__(self) -> None:
        self._server = SocketIoServer()
        self._unbound = UnboundSockets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one WebSocket to its end."""
        headers = join_headers(scope["headers"])
        request_id = headers.get("x-request-id", "")
        set_request_id(request_id if is_valid_request_id(request_id) else new_request_id())
        is_socket = scope["type"] == "websocket"
        answer = send if is_socket else _with_headers(send, headers, request_id)
        if not is_socket and scope["method"] == "OPTIONS":
            await _respond(scope, answer, 204, "", _preflight(headers))
            return
        query = parse_qs(scope["query_string"].decode("latin-1"))
        # `j` asks for a script that calls back (JSONP), which no client of today does.
        if "j" in query:
            await _respond(scope, answer, 400, "JSONP is not offered.")
        elif "sid" in query:
            await self._continue(scope, receive, answer, query["sid"][0])
        else:
            await self._open(scope, receive, answer)

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count a new connection, then let the library answer the handshake."""
        address = throttling_key(read_origin(make_request(scope)))
        connection = Connection(self._server, self._unbound, scope, address)
        redis = redis_at(settings.REDIS_URL)
        try:
            if redis.is_away or not await self._unbound.admit(connection):
                status = 503 if redis.is_away else 429
                await _respond(scope, send, status, "Try again later.", _RETRY)
                return
        except RedisError:
            await _respond(scope, send, 503, "Try again later.", _RETRY)
            return
        scope = {**scope, CONNECTION: connection}
        try:
            await self._serve(connection, scope, receive, send)
        finally:
            if scope["type"] == "websocket" or not connection.engine_id:
                await connection.end()

    async def _continue(self, scope: Scope, receive: Receive, send: Send, engine_id: str) -> None:
        """Serve one more request of a connection, or its WebSocket, one of each at a time."""
        connection = self._server.connection(engine_id)
        if connection is None:
            await _respond(scope, send, 400, "No such connection.")
        elif self._server.has_too_much_waiting(engine_id):
            await _respond(scope, send, 400, "The connection is not read.")
            connection.end_soon()
        elif scope["type"] == "websocket":
            await self._upgrade(connection, scope, receive, send)
        elif scope["method"] == "POST":
            await self._take(connection, scope, receive, send)
        else:
            await self._poll(connection, scope, receive, send)

    async def _upgrade(
        self, connection: Connection, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if connection.serving_task:
            await _respond(scope, send, 400, "The connection has its WebSocket.")
            return
        try:
            await self._serve(connection, scope, receive, send)
        finally:
            connection.serving_task = None

    async def _take(
        self, connection: Connection, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Read what a client sends, whether or not it says how long that is."""
        body = await _read_body(receive)
        if body is None:
            await _respond(scope, send, 413, "The body is too large.")
            connection.end_soon()
            return
        length = (b"content-length", str(len(body)).encode())
        others = [each for each in scope["headers"] if each[0].lower() != length[0]]

        async def receive_again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._serve(connection, {**scope, "headers": [*others, length]}, receive_again, send)

    async def _poll(
        self, connection: Connection, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if connection.is_polling:
            await _respond(scope, send, 400, "The connection is being polled.")
            return
        connection.is_polling = True
        try:
            await self._serve(connection, scope, receive, send)
        finally:
            connection.is_polling = False

    async def _serve(
        self, connection: Connection, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let the library serve; what a stranger sends may make it raise anything."""

        async def receive_unless_flooded() -> Message:
            if self._server.has_too_much_waiting(connection.engine_id):
                return {"type": "websocket.disconnect", "code": 1006}
            return await receive()

        if scope["type"] == "websocket":
            connection.serving_task = asyncio.current_task()
        receive_next = receive_unless_flooded if scope["type"] == "websocket" else receive
        try:
            await self._server.handle_request(scope, receive_next, send)
        except asyncio.CancelledError:
            if not connection.has_ended:
                raise
        except Exception as error:  # noqa: BLE001 (a traceback would be the stranger's to order)
            logger.info("a connection is closed: %s", type(error).__name__)
            connection.end_soon()


_RETRY = {"Retry-After": str(RETRY_AFTER)}


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body; None for one that is too large, of which no more is read."""
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_MESSAGE_SIZE:
            return None
        if not message.get("more_body"):
            return body


def _preflight(headers: dict[str, str]) -> dict[str, str]:
    return preflight_headers(
        headers.get("origin", ""),
        _METHODS,
        trusted=settings.TRUSTED_ORIGINS,
        any_origin=settings.CORS_ANY_ORIGIN,
    )


def _with_headers(send: Send, headers: dict[str, str], request_id: str) -> Send:
    """Add what every response carries, and what lets pages of other origins read it."""
    added = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        **({"X-Request-ID": request_id} if is_valid_request_id(request_id) else {}),
    } | cors_headers(
        headers.get("origin", ""),
        trusted=settings.TRUSTED_ORIGINS,
        any_origin=settings.CORS_ANY_ORIGIN,
        has_cookies=bool(headers.get("cookie")),
    )

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.lower(), value) for name, value in message.get("headers", [])]
            names = {name for name, _ in own}
            more = [(name.lower().encode(), value.encode()) for name, value in added.items()]
            message["headers"] = own + [each for each in more if each[0] not in names]
        await send(message)

    return send_with_headers


async def _respond(
    scope: Scope, send: Send, status: int, text: str, headers: dict[str, str] | None = None
) -> None:
    """Answer instead of the library; a WebSocket's handshake too, where the server can."""
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
        if kind not in scope.get("extensions", {}):
            await send({"type": "websocket.close"})
            return
    fields = {"Content-Type": "text/plain; charset=utf-8", **(headers or {})}
    encoded = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    await send({"type": f"{kind}.start", "status": status, "headers": encoded})
    await send({"type": f"{kind}.body", "body": text.encode()})
