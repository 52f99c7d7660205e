"""The ASGI application: HTTP, WebSocket and socket.io on one port.

Channels serves the WebSockets, python-socketio what lies at `/socket.io/`. Other HTTP goes to the
WSGI application in threads, measured four to five times faster for synchronous views than Django's
own ASGI handler; a `FileResponse` is streamed instead of read into memory. A request's body is
received before a thread is taken for it.
"""

import asyncio
from typing import Any

from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter
from django.conf import settings

from config.progress import keep_loop_pulse, watch_loop
from config.request_spool import MAX_BODY_SIZE, BodyNotReceived, ReceivedBody, Spool
from config.wsgi import application as wsgi_application

# isort: split
# These need the models, and so Django, which `config.wsgi` has set up by now.
from api.contracts import find_contract
from api.views import MAX_TEXT_BODY_SIZE, takes_pictures
from config.middleware.body_limit import NOT_RECEIVED

_BODY = "tintype.body"


class _Router:
    """Sends `/socket.io/`, which is both HTTP and WebSocket, to its own application."""

    def __init__(self) -> None:
        # These imports need the models, and so Django, which `config.wsgi` has set up by now.
        from api.pictures_service.socketio.application import SocketIoApplication, is_socketio_path

        self._others = ProtocolTypeRouter({"http": _http, "websocket": _socket_application()})
        self._socketio, self._is_socketio_path = SocketIoApplication(), is_socketio_path
        self._pulse: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._pulse is None:
            # The first moment at which there is a loop: the health check comes every ten seconds.
            self._pulse = asyncio.create_task(keep_loop_pulse())
            watch_loop()
        path = scope.get("path", "")
        if path.rstrip("/") == "/healthz" and scope.get("method") in {"GET", "HEAD"}:
            await _answer_alive(send)
            return
        is_socketio = self._is_socketio_path(path)
        await (self._socketio if is_socketio else self._others)(scope, receive, send)


def _socket_application() -> Any:
    from api.pictures_service import socket_messages as pictures_service
    from notifications.sockets.routing import socket_application

    return socket_application({pictures_service.FORMAT: pictures_service.update_pictures_messages})


def _wsgi(environ: dict[str, Any], start_response: Any) -> Any:
    body: ReceivedBody | None = environ["asgi.scope"][_BODY]
    if body:
        environ["wsgi.input"] = body.file
        body.file.seek(0)
    # With the length, whatever the client said of it.
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(body.size) if body else "0"
    environ[NOT_RECEIVED] = environ["asgi.scope"][NOT_RECEIVED]
    return wsgi_application(environ, start_response)


_in_threads = WSGIMiddleware(_wsgi, workers=settings.HTTP_THREADS)  # type: ignore[arg-type]  # a WSGI app
_spool = Spool()


async def _answer_alive(send: Any) -> None:
    """Answer in no thread: all of them may be waiting."""
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", b"2"),
        (b"cache-control", b"max-age=0, no-cache, no-store, must-revalidate, private"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


async def _http(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Receive the body, then take a thread; also to say why it was not received."""
    body, reason = None, ""
    try:
        body = await _receive_body(scope, receive)
    except BodyNotReceived as error:
        reason = error.reason
    except ConnectionResetError:
        return
    headers = _join_cookies(scope["headers"])
    try:
        given = {**scope, "headers": headers, _BODY: body, NOT_RECEIVED: reason}
        await _in_threads(given, receive, send)  # type: ignore[arg-type]  # an HTTP scope
    finally:
        if body:
            body.close()


async def _receive_body(scope: dict[str, Any], receive: Any) -> ReceivedBody | None:
    headers = dict(scope["headers"])
    length = int(headers.get(b"content-length", b"0"))
    if not length and b"transfer-encoding" not in headers:
        return None
    limit = _max_body_size(scope["path"], asks_first=b"expect" in headers)
    if length > limit:
        raise BodyNotReceived("too_large")
    return await _spool.receive(receive, limit)


def _max_body_size(path: str, *, asks_first: bool) -> int:
    """Return what is received at an address; a contract's view, which knows its caller, takes less.

    A client that asks before it sends (Expect: 100-continue) hears at once what a view would say
    of a body without a picture.
    """
    is_page = find_contract(path) is None
    if is_page or (asks_first and not takes_pictures(path)):
        return MAX_TEXT_BODY_SIZE
    return MAX_BODY_SIZE


def _join_cookies(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Join several Cookie headers as RFC 9113, section 8.2.3, has it: commas are for others."""
    cookies = [value for name, value in headers if name == b"cookie"]
    others = [(name, value) for name, value in headers if name != b"cookie"]
    return [*others, (b"cookie", b"; ".join(cookies))] if cookies else others


application = _Router()
