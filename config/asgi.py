"""The ASGI application: HTTP, WebSocket and socket.io on one port.

Channels serves the WebSockets, python-socketio what lies at `/socket.io/`. Other HTTP goes to the
WSGI application in threads, measured four to five times faster for synchronous views than Django's
own ASGI handler; a `FileResponse` is streamed instead of read into memory.
"""

from typing import Any

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter

from config.env.readers import env_int
from config.wsgi import application as wsgi_application

# Each thread may hold a database connection: compare config.env.databases.MAX_POOL_SIZE.
HTTP_THREADS = env_int("HTTP_THREADS", 8, min=1, max=256)


class _Router:
    """Sends `/socket.io/`, which is both HTTP and WebSocket, to its own application."""

    def __init__(self) -> None:
        # These imports need the models, and so Django, which `config.wsgi` has set up by now.
        from api.pictures_service.socketio.application import SocketIoApplication, is_socketio_path

        self._others = ProtocolTypeRouter({"http": _http, "websocket": _socket_application()})
        self._socketio, self._is_socketio_path = SocketIoApplication(), is_socketio_path

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        is_socketio = self._is_socketio_path(scope.get("path", ""))
        await (self._socketio if is_socketio else self._others)(scope, receive, send)


def _socket_application() -> Any:
    from api.pictures_service import socket_messages as pictures_service
    from notifications.sockets.routing import socket_application

    return socket_application({pictures_service.FORMAT: pictures_service.update_pictures_messages})


def _wsgi(environ: dict[str, Any], start_response: Any) -> Any:
    # The body ends where the client ended it, with or without a length (api/request_bodies.py).
    environ["wsgi.input_terminated"] = True
    return wsgi_application(environ, start_response)


_in_threads = WSGIMiddleware(_wsgi, workers=HTTP_THREADS)  # type: ignore[arg-type]  # a WSGI app


async def _http(scope: dict[str, Any], receive: Any, send: Any) -> None:
    async def receive_body() -> Any:
        message = await receive()
        if message["type"] == "http.disconnect":
            # Otherwise half a body would pass for a whole one.
            raise ConnectionResetError("The client went away.")
        return message

    await _in_threads({**scope, "headers": _join_cookies(scope["headers"])}, receive_body, send)  # type: ignore[arg-type]  # an HTTP scope


def _join_cookies(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Join several Cookie headers as RFC 9113, section 8.2.3, has it: commas are for others."""
    cookies = [value for name, value in headers if name == b"cookie"]
    others = [(name, value) for name, value in headers if name != b"cookie"]
    return [*others, (b"cookie", b"; ".join(cookies))] if cookies else others


application = _Router()
