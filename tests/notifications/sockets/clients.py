"""The socket server as a real process on the test's own database, and clients of it."""

import json
import os
import sys
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
from tests.processes import Running, answers, launch, until
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
def socket_server(folder: Path, *options: str, **variables: str) -> Iterator[SocketServer]:
    """Run uvicorn as a deployment does, until the block ends."""
    [port] = free_ports(1)
    env = server_environment(folder, port) | variables
    command = [sys.executable, "-m", "uvicorn", "--port", str(port), "--lifespan", "off"]
    command += ["--ws-per-message-deflate", "false", "--ws-max-size", "65536", "--no-access-log"]
    command += [*options, "config.asgi:application"]
    server = launch(SocketServer, command, port, folder / "sockets.log", env)
    try:
        until(lambda: answers(server), 60, server)
        yield server
    finally:
        server.process.terminate()
        server.process.wait(20)
