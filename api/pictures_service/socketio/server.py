"""The library's server, with the little of it that is used: nobody's messages are handled.

The only module that knows python-socketio, which has no types.
"""

import logging
from typing import Any

import socketio
from socketio.exceptions import ConnectionRefusedError as Refused

from accounts.exceptions import BadToken, MissingScope
from api.pictures_service.errors import INVALID_TOKEN, MISSING_SCOPE, TOO_MANY_SOCKETS
from api.pictures_service.socketio.connection import UNAVAILABLE, Connection, NoSocketLeft

logger = logging.getLogger(__name__)
# Where the handshake's ASGI scope holds its connection.
CONNECTION = "tintype.connection"
PING_INTERVAL = 20
PING_TIMEOUT = 20
# A client has one thing to say: who it is, by a token.
MAX_MESSAGE_SIZE = 16 * 1024
# Packets that may wait for a client: the handshake's, pings and one message.
MAX_WAITING_PACKETS = 20
# What strangers send makes the library log errors; what matters is logged here.
_library_log = logging.getLogger("socketio.library")
_library_log.setLevel(logging.CRITICAL)
_CONNECT, _DISCONNECT = "0", "1"


class SocketIoServer(socketio.AsyncServer):  # type: ignore[misc]  # the library has no types
    """Engine.IO 4 and Socket.IO 5; there are no rooms, no namespaces and no events of clients."""

    def __init__(self) -> None:
        super().__init__(
            async_mode="asgi",
            async_handlers=False,
            # Origins are the application's to answer: the library would give any one credentials.
            cors_allowed_origins=[],
            ping_interval=PING_INTERVAL,
            ping_timeout=PING_TIMEOUT,
            max_http_buffer_size=MAX_MESSAGE_SIZE,
            http_compression=False,
            logger=_library_log,
            engineio_logger=_library_log,
        )
        self._connections: dict[str, Connection] = {}
        self.on("connect", self._connect)

    def connection(self, engine_id: str) -> Connection | None:
        """Return the open connection of an Engine.IO session."""
        return self._connections.get(engine_id)

    def has_too_much_waiting(self, engine_id: str) -> bool:
        """Tell whether a client makes the server answer, and does not read."""
        session = self.eio.sockets.get(engine_id)
        return session is not None and session.queue.qsize() > MAX_WAITING_PACKETS

    # What a connection asks for.

    async def send_event(self, sid: str, name: str, payload: Any) -> None:
        await self.emit(name, payload, to=sid)

    async def wait_until_taken(self, engine_id: str) -> None:
        if session := self.eio.sockets.get(engine_id):
            await session.queue.join()

    async def close(self, engine_id: str) -> None:
        self._connections.pop(engine_id, None)
        await self.eio.disconnect(engine_id)

    # What the library calls.

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any) -> None:
        connection: Connection = environ["asgi.scope"][CONNECTION]
        try:
            await connection.connect(sid, auth)
        except BadToken:
            raise Refused(INVALID_TOKEN) from None
        except MissingScope:
            raise Refused(MISSING_SCOPE) from None
        except NoSocketLeft:
            raise Refused(TOO_MANY_SOCKETS) from None
        except UNAVAILABLE as error:
            logger.warning("a socket was not opened: %s", type(error).__name__)
            # Not refused: a client that is refused does not come back by itself.
            connection.end_soon()
            raise

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        connection: Connection = environ["asgi.scope"][CONNECTION]
        connection.engine_id = eio_sid
        self._connections[eio_sid] = connection
        await super()._handle_eio_connect(eio_sid, environ)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        """Take the one `CONNECT`, and `DISCONNECT`; drop everything else before it is parsed."""
        connection = self._connections.get(eio_sid)
        kind = data[:1] if isinstance(data, str) else ""
        if connection is None or (kind == _CONNECT and connection.has_connected):
            return
        if kind == _CONNECT:
            connection.has_connected = True
            await super()._handle_eio_message(eio_sid, data)
        elif kind == _DISCONNECT:
            await super()._handle_eio_message(eio_sid, data)
            connection.end_soon()

    async def _handle_eio_disconnect(self, eio_sid: str, reason: Any) -> None:
        connection = self._connections.pop(eio_sid, None)
        await super()._handle_eio_disconnect(eio_sid, reason)
        if connection:
            await connection.end()
