"""The socket server as a real process on the test's own database, and clients of it."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from tests.processes import ROOT, Running, until_started
from tests.servers.loaded_python import LoadedProcess
from tests.servers.ports import free_ports

TIMEOUT = 10


class SocketServer(Running):
    """A running socket server."""

    @property
    def address(self) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/ws/pictures/"

    @contextmanager
    def open(self, query: str = "", **options: Any) -> Iterator["Socket"]:
        """Open a socket; `options` go to the WebSocket client, which reads without a pause."""
        with connect(self.address + query, compression=None, max_queue=None, **options) as opened:
            yield Socket(opened)

    def of(self, user: User, query: str = "", **options: Any) -> AbstractContextManager["Socket"]:
        """Open a socket with a bearer token of a session of its own."""
        return self.open(
            query, additional_headers=bearer(open_bearer_session(user, RequestOrigin())), **options
        )


@dataclass
class Socket:
    connection: ClientConnection

    def next(self, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Return the next message; raise TimeoutError or ConnectionClosed."""
        said: dict[str, Any] = json.loads(self.connection.recv(timeout=timeout))
        return said

    def types(self, count: int) -> list[str]:
        return [self.next()["type"] for _ in range(count)]

    def closed_with(self, timeout: float = TIMEOUT) -> int:
        """Read until the socket is closed; return the close code."""
        with suppress(ConnectionClosed):
            while True:
                self.connection.recv(timeout=timeout)
        assert self.connection.close_code is not None
        return self.connection.close_code


class RawClient:
    """A client on a bare TCP socket, which reads only when the test does."""

    def __init__(self, server: SocketServer, token: str, path: str = "/ws/pictures/") -> None:
        host, port = server.url.removeprefix("http://").split(":")
        self.connection = socket.socket()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.connection.connect((host, int(port)))
        self.connection.settimeout(10)
        self.connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        assert b" 101 " in self.connection.recv(16)

    def read_until(self, words: bytes) -> bytes:
        """Read up to the text of a close frame and disconnect without answering it."""
        got = b""
        with self.connection:
            while words not in got:
                more = self.connection.recv(65536)
                assert more, f"it ended without {words!r}"
                got += more
        return got


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def server_environment(folder: Path, port: int) -> dict[str, str]:
    """Return the environment of a server on the test's own database."""
    database = urlsplit(os.environ["DATABASE_URL"])
    if database.scheme != "sqlite":
        database = database._replace(path=f"/{connection.settings_dict['NAME']}")
    return {
        **os.environ,
        "DATABASE_URL": database.geturl(),
        "LOCAL": "on",
        "PORT": str(port),
        "DATA_DIR": str(folder),
        "SECRET_KEY": settings.SECRET_KEY,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


@contextmanager
def socket_server(
    folder: Path, *options: str, application: str = "config.asgi", **variables: str
) -> Iterator[SocketServer]:
    """Run uvicorn as a deployment does, until the block ends."""
    [port] = free_ports(1)
    env = server_environment(folder, port) | variables
    words = ["-m", "uvicorn", "--port", str(port), "--lifespan", "off"]
    words += ["--ws-per-message-deflate", "false", "--ws-max-size", "65536", "--no-access-log"]
    words += [*options, f"{application}:application"]
    log = folder / "sockets.log"
    with log.open("a") as output:
        process = LoadedProcess(words, cwd=ROOT, env=env, output=output)
    server = SocketServer(process, f"http://localhost:{port}", log)
    try:
        until_started(server)
        yield server
    finally:
        server.process.terminate()
        server.process.wait(20)
