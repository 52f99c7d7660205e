"""`/healthz` and `/readyz` beside the requests."""

import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from config.health import listener
from config.health.listener import serve_health


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    asked: list[str] = []

    def readiness(asked_for: str) -> tuple[int, dict[str, Any]]:
        asked.append(asked_for)
        return (200 if asked_for == "web" else 503), {"ready": asked_for == "web"}

    monkeypatch.setattr(listener, "_readiness", readiness)
    server = serve_health(0)
    yield server.server_port
    server.shutdown()
    server.server_close()


def get(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.read()


def test_it_says_what_the_views_say(port: int) -> None:
    assert get(port, "/healthz") == get(port, "/healthz/") == (200, b"ok")
    assert get(port, "/healthz", "HEAD") == (200, b"")
    assert get(port, "/readyz") == (503, b'{"ready": false}')
    assert get(port, "/readyz?for=web") == (200, b'{"ready": true}')
    assert get(port, "/admin/")[0] == 404
    assert get(port, "/healthz", "POST")[0] == 501


def test_clients_that_say_nothing_keep_nobody_from_an_answer(port: int) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(listener._MAX_AT_ONCE)]
    for each in silent[: listener._MAX_AT_ONCE // 2]:
        each.close()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            assert get(port, "/healthz") == (200, b"ok")
            break
        except OSError:
            time.sleep(0.05)
    else:
        raise AssertionError("it never answered")
    assert threading.active_count() < 2 * listener._MAX_AT_ONCE
    for each in silent:
        each.close()


def test_processes_of_a_container_share_the_port(port: int) -> None:
    other = serve_health(port)
    assert get(port, "/healthz") == (200, b"ok")
    other.shutdown()
    other.server_close()
