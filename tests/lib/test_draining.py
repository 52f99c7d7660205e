"""A web process that is told to end refuses nobody who is on the way to it."""

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from lib.draining import refuse_connections
from tests.processes import ROOT, Running, launch, until
from tests.servers.ports import free_ports

APPLICATION = """
from lib.draining import DrainingApplication

def answer(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

application = DrainingApplication(answer)
application.listen_to_server()
"""


@contextmanager
def serving(folder: Path, seconds: int) -> Iterator[Running]:
    """Serve two letters by two workers, until the block has ended them."""
    [port] = free_ports(1)
    (folder / "letters.py").write_text(APPLICATION)
    command = [
        *(sys.executable, "-m", "lib.draining_server", str(seconds), "--interface=wsgi"),
        *("--workers=2", f"--port={port}", "--working-dir", str(folder), "letters:application"),
    ]
    server = launch(Running, command, port, folder / "log", {"PYTHONPATH": str(ROOT)})
    server.url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: server.log.read_text().count("Started worker") == 2, 60, server)
        yield server
    finally:
        server.process.kill()
        server.process.wait(30)


def connection_header(server: Running) -> str | None:
    """Ask on a connection of its own, as whoever knows of no other would."""
    answer = requests.get(server.url, timeout=30)
    assert answer.text == "ok"
    return answer.headers.get("Connection")


@pytest.mark.processes
@pytest.mark.parametrize("again", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_told_to_end_ends_each_connection_and_lets_others_come(
    tmp_path: Path, again: signal.Signals
) -> None:
    """Until it is told once more."""
    with serving(tmp_path, 300) as server, requests.Session() as kept:
        assert "Connection" not in kept.get(server.url, timeout=30).headers
        server.process.send_signal(signal.SIGTERM)
        until(lambda: connection_header(server) == "close", 30, server)
        assert kept.get(server.url, timeout=30).text == "ok"
        assert connection_header(server) == "close"
        assert server.stop(again) == 0


@pytest.mark.processes
def test_it_ends_by_itself(tmp_path: Path) -> None:
    with serving(tmp_path, 1) as server:
        assert server.stop() == 0
        with pytest.raises(requests.ConnectionError):
            requests.get(server.url, timeout=30)


@pytest.mark.processes
def test_whoever_sits_before_it_does_not_wait(tmp_path: Path) -> None:
    """As with Ctrl-C, which every process hears."""
    with serving(tmp_path, 300) as server:
        assert server.stop(signal.SIGINT) == 0


def test_nobody_connects_any_more_and_who_has_connected_is_heard() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with closing(socket.create_connection(address, 30)) as early:
            refuse_connections()
            with pytest.raises(TimeoutError):
                socket.create_connection(address, 0.3)
            early.sendall(b"heard")
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.recv(5) == b"heard"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 30)
