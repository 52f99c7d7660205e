"""The service's hold on the program that decodes."""

import socket
import time
from pathlib import Path

import pytest

from images.sandbox import channel
from images.sandbox.template import Template, Worker


@pytest.fixture
def lines() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair()


def ask(line: socket.socket) -> dict[str, object]:
    worker = Worker(Template.__new__(Template), 1, line)
    with line, Path("/dev/null").open() as file:
        return worker.ask({"operation": "inspect"}, [file.fileno()], time.monotonic() + 10)


def test_what_a_decoder_said_before_it_took_the_job_is_heard(
    lines: tuple[socket.socket, socket.socket],
) -> None:
    """A wall that is missing is found before; whoever asks late must not take it for a death."""
    ours, its = lines
    with its:
        channel.send(its, {"error": "wall", "message": "files"})
    assert ask(ours) == {"error": "wall", "message": "files"}


def test_a_decoder_that_died_before_it_took_the_job_is_gone(
    lines: tuple[socket.socket, socket.socket],
) -> None:
    ours, its = lines
    its.close()
    with pytest.raises(EOFError):
        ask(ours)
