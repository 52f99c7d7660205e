"""`/healthz` and `/readyz` beside the requests, by a program of its own."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from typing import Any

import pytest

from config.health import listener, responder
from config.health.listener import HealthServer
from lib.watchdog import ProgressMark
from tests.processes import ROOT
from tests.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture
def mark() -> ProgressMark:
    return ProgressMark()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, mark: ProgressMark) -> Iterator[HealthServer]:
    def readiness(asked_for: str) -> tuple[int, dict[str, Any]]:
        return (200 if asked_for == "web" else 503), {"ready": asked_for == "web"}

    monkeypatch.setattr(listener, "_readiness", readiness)
    server = HealthServer(0, mark, 0.5)
    server.start()
    yield server
    server.close()


def get(port: int, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path)
    response = connection.getresponse()
    return response.status, response.read()


def test_it_says_what_the_views_say(server: HealthServer) -> None:
    port = server.port
    assert get(port, "/healthz") == get(port, "/healthz/") == (200, b"ok")
    assert get(port, "/healthz", "HEAD") == (200, b"")
    assert get(port, "/readyz") == (503, b'{"ready": false}')
    assert get(port, "/readyz?for=web") == (200, b'{"ready": true}')
    assert get(port, "/admin/")[0] == 404
    assert get(port, "/healthz", "POST")[0] == 501


def test_an_old_mark_is_a_process_without_progress(
    server: HealthServer, mark: ProgressMark
) -> None:
    assert get(server.port, "/healthz") == (200, b"ok")
    mark.set()
    assert get(server.port, "/healthz") == (200, b"ok")
    found = until(
        lambda: [answer for answer in [get(server.port, "/healthz")] if answer[0] != 200],
        30, lambda: "it never stood still",
    )  # fmt: skip
    [(status, body)] = found
    assert (status, body[:15]) == (503, b"no progress for")
    mark.set()
    assert get(server.port, "/healthz") == (200, b"ok")


def test_clients_that_say_nothing_keep_nobody_from_an_answer(server: HealthServer) -> None:
    address = ("127.0.0.1", server.port)
    silent = [socket.create_connection(address) for _ in range(responder._MAX_AT_ONCE)]
    for each in silent[: responder._MAX_AT_ONCE // 2]:
        each.close()

    def answers() -> bool:
        with suppress(OSError):
            return get(server.port, "/healthz") == (200, b"ok")
        return False

    until(answers, 30, lambda: "it never answered")
    for each in silent:
        each.close()


def test_processes_of_a_container_share_the_port(server: HealthServer, mark: ProgressMark) -> None:
    other = HealthServer(server.port, mark, 0)
    other.start()
    assert get(server.port, "/healthz") == (200, b"ok")
    other.close()


def test_a_responder_that_is_gone_is_started_again(server: HealthServer) -> None:
    first = server._responder
    assert first is not None
    first.kill()
    assert get(server.port, "/healthz") == (200, b"ok")
    assert server._responder is not first


STANDS_STILL = """
import ctypes, sys
from config.health import listener
from lib.watchdog import progress_mark
listener._readiness = lambda asked_for: (200, {"ready": True})
server = listener.HealthServer(0, progress_mark(), 3)
server.start()
print(server.port, flush=True)
sys.stdin.readline()
progress_mark().set()
print("stands still", flush=True)
ctypes.PyDLL(None).sleep(100)
"""


def test_a_process_whose_interpreter_stands_still_is_answered_for_until_it_ends() -> None:
    """No thread of its own runs: a library keeps the lock that all of them need."""
    process = subprocess.Popen(
        [sys.executable, "-c", STANDS_STILL], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    port = int(process.stdout.readline())
    assert get(port, "/readyz") == (200, b'{"ready": true}')
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "stands still\n"
    assert get(port, "/healthz") == (200, b"ok")
    assert get(port, "/readyz") == (503, responder._SILENT)
    until(lambda: get(port, "/healthz")[0] == 503, 30, lambda: "it is said to make progress")
    process.kill()
    process.communicate()

    def nobody_answers() -> bool:
        with suppress(OSError):
            get(port, "/healthz")
            return False
        return True

    until(nobody_answers, 30, lambda: "the responder outlives its process")
