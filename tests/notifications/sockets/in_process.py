"""Sockets in this process, by ASGI: what a server would do for a socket, without its start.

The database is asked in the threads of `notifications.sockets`: a test commits what it writes.
"""

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any, TypeVar

from asgiref import testing
from django.db import connections

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from notifications.sockets import database_threads
from tests.notifications.sockets.clients import TIMEOUT, bearer

HOST = "localhost:8000"
# It has no types.
ApplicationCommunicator: Any = testing.ApplicationCommunicator
Result = TypeVar("Result")


class Refused(Exception):
    """The handshake was refused, which a server answers by a 403."""


class Closed(Exception):
    """The socket was closed, with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Sockets:
    """An event loop in a thread, and the application that it serves."""

    url = f"http://{HOST}"

    def __init__(self) -> None:
        # Not where tests are collected: it sets up what answers requests.
        from config.asgi import _socket_application

        self._application = _socket_application()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(2 * TIMEOUT)

    def close(self) -> None:
        """End the loop, and the connections to the database, which goes after them."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(TIMEOUT)
        self._loop.close()
        close_database_threads()

    @contextmanager
    def open(
        self,
        query: str = "",
        *,
        path: str = "/ws/pictures/",
        additional_headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        origin: str = "",
    ) -> Iterator["Socket"]:
        """Open a socket; raise Refused where the handshake is."""
        headers = {"host": HOST, **(additional_headers or {})}
        headers |= {"origin": origin} if origin else {}
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "client": ("127.0.0.1", 1),
            "path": path,
            "query_string": query.removeprefix("?").encode(),
            "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
            "subprotocols": list(subprotocols),
        }
        communicator = ApplicationCommunicator(self._application, scope)
        accepted = self.run(_connect(communicator))
        try:
            yield Socket(self, communicator, accepted)
        finally:
            self.run(_disconnect(communicator))

    def of(self, user: User, query: str = "") -> AbstractContextManager["Socket"]:
        """Open a socket with a bearer token of a session of its own."""
        token = open_bearer_session(user, RequestOrigin())
        return self.open(query, additional_headers=bearer(token))


async def _connect(communicator: Any) -> dict[str, Any]:
    await communicator.send_input({"type": "websocket.connect"})
    answer: dict[str, Any] = await communicator.receive_output(TIMEOUT)
    if answer["type"] == "websocket.close":
        await _disconnect(communicator)
        raise Refused
    return answer


async def _disconnect(communicator: Any) -> None:
    await communicator.send_input({"type": "websocket.disconnect", "code": 1005})
    await communicator.wait(TIMEOUT)


def close_database_threads() -> None:
    """Close the connections of every thread in which sockets ask the database."""
    everyone = threading.Barrier(database_threads.MAX_THREADS)

    def close_connections() -> None:
        everyone.wait(TIMEOUT)
        connections.close_all()

    closing = [database_threads._threads.submit(close_connections) for _ in range(everyone.parties)]
    for each in closing:
        each.result(TIMEOUT)


@dataclass
class Socket:
    sockets: Sockets
    communicator: Any
    accepted: dict[str, Any]

    def next(self, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Return the next message; raise TimeoutError, or Closed."""
        sent = self.sockets.run(self.communicator.receive_output(timeout))
        if sent["type"] == "websocket.close":
            raise Closed(sent["code"])
        said: dict[str, Any] = json.loads(sent["text"])
        return said

    def types(self, count: int) -> list[str]:
        return [self.next()["type"] for _ in range(count)]

    def closed_with(self, timeout: float = TIMEOUT) -> int:
        """Read until the socket is closed; return the close code."""
        while True:
            try:
                self.next(timeout)
            except Closed as closed:
                return closed.code

    @property
    def subprotocol(self) -> str | None:
        chosen: str | None = self.accepted.get("subprotocol")
        return chosen

    @property
    def cookies(self) -> SimpleCookie:
        """Those that the answer to the handshake sets."""
        given = SimpleCookie()
        for name, value in self.accepted["headers"]:
            if name == b"set-cookie":
                given.load(value.decode())
        return given
