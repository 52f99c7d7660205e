"""The one-port run among clients that send half of something."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from tests.processes import PASSWORD, Running, dev_run

pytestmark = [pytest.mark.processes, pytest.mark.nightly]
CREDENTIALS = {"login": "admin", "password": PASSWORD}
HEADERS = b"Host: localhost\r\nContent-Type: application/json\r\n"
HALVES = [
    b"",
    b"POST /auth/signin HTTP/1.1\r\nHost: loc",
    b"POST /auth/signin HTTP/1.1\r\n%bContent-Length: 90\r\n\r\n{" % HEADERS,
    b"POST /api/images HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n9\r\nhalf" % HEADERS,
    b"POST /image HTTP/1.1\r\n%bExpect: 100-continue\r\nContent-Length: 9\r\n\r\n" % HEADERS,
]


def test_slow_clients_keep_nobody_out(tmp_path: Path) -> None:
    with dev_run(tmp_path / "data") as service:
        port = int(service.url.rpartition(":")[2])
        with half_open(port, 200) as connections:
            assert_is_quick(service)
            # Whoever has most connections loses the oldest of them.
            newest = connections[-5:]
            assert all(is_open(each) for each in newest)
            assert not any(is_open(each) for each in connections[:50])
            started = time.monotonic()
            ends = [until_it_ends(each) for each in newest]
            assert 5 < time.monotonic() - started < 20
        assert [b"408" in end for end in ends] == [False, False, True, True, True]


def assert_is_quick(service: Running) -> None:
    started = time.monotonic()
    assert requests.get(f"{service.url}/healthz", timeout=9).status_code == 200
    assert time.monotonic() - started < 1
    signed_in = requests.post(f"{service.url}/auth/signin", json=CREDENTIALS, timeout=9)
    assert signed_in.status_code == 200
    assert time.monotonic() - started < 2


@contextmanager
def half_open(port: int, count: int, starts: list[bytes] = HALVES) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        connections = []
        for number in range(count):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            line.sendall(starts[number % len(starts)])
            connections.append(line)
        yield connections


def is_open(line: socket.socket) -> bool:
    line.settimeout(0.2)
    try:
        while line.recv(65536):
            pass
    except TimeoutError:
        return True
    except ConnectionResetError:
        pass
    return False


def until_it_ends(line: socket.socket) -> bytes:
    """Return what is received until the other side ends the connection; TimeoutError if never."""
    line.settimeout(30)
    received = b""
    while part := line.recv(65536):
        received += part
    return received
