"""Lines of the log that are written together."""

import io
import logging
import os
import subprocess
import sys
from threading import Thread

import pytest

from lib import line_buffer
from lib.line_buffer import LineBuffer
from tests.processes import ROOT
from tests.waiting import until


class CountingStream(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, text: str, /) -> int:
        self.writes += 1
        return super().write(text)


@pytest.fixture
def stream() -> CountingStream:
    return CountingStream()


@pytest.fixture
def handler(stream: CountingStream) -> LineBuffer:
    return LineBuffer(stream)


def say(handler: LineBuffer, text: str, *arguments: object) -> None:
    handler.handle(logging.LogRecord("a-test", logging.INFO, "", 0, text, arguments, None))


def test_the_lines_of_a_moment_are_written_at_once(
    handler: LineBuffer, stream: CountingStream
) -> None:
    for number in range(3):
        say(handler, "line %d", number)
    until(lambda: stream.writes, 10, stream.getvalue)
    assert stream.getvalue() == "line 0\nline 1\nline 2\n"
    assert stream.writes == 1
    say(handler, "another")
    until(lambda: stream.writes == 2, 10, stream.getvalue)
    assert stream.getvalue().endswith("line 2\nanother\n")


def test_lines_that_are_made_already_are_written_among_the_others_by_any_thread(
    handler: LineBuffer, stream: CountingStream
) -> None:
    say(handler, "before")

    def keep(name: str) -> None:
        for number in range(2000):
            handler.keep(f"{name}{number}")

    threads = [Thread(target=keep, args=(name,)) for name in "abcd"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    say(handler, "after")
    until(lambda: stream.getvalue().endswith("after\n"), 10, stream.getvalue)
    first, *lines, last = stream.getvalue().splitlines()
    assert (first, last) == ("before", "after")
    for name in "abcd":
        own = [line for line in lines if line.startswith(name)]
        assert own == [f"{name}{number}" for number in range(2000)]


def test_many_lines_wait_for_nobody(
    handler: LineBuffer, stream: CountingStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_buffer, "INTERVAL_SECONDS", 3600)
    for _ in range(line_buffer.MAX_LINES - 1):
        say(handler, "x")
    assert stream.writes == 0
    say(handler, "the last")
    assert stream.getvalue().endswith("x\nthe last\n")


def test_a_line_that_cannot_be_made_fails_nothing(
    handler: LineBuffer, stream: CountingStream, capsys: pytest.CaptureFixture[str]
) -> None:
    say(handler, "%d", "no number")
    assert "Logging error" in capsys.readouterr().err
    say(handler, "after it")
    handler.flush()
    assert stream.getvalue() == "after it\n"


def test_a_forked_process_writes_no_line_of_its_parent_s() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as heard, os.fdopen(writing, "w") as stream:
        handler = LineBuffer(stream)
        say(handler, "of the parent")
        if not (child := os.fork()):
            say(handler, "of the child")
            handler.flush()
            os._exit(0)
        os.waitpid(child, 0)
        handler.close()
        handler.flush()
        stream.close()
        assert sorted(heard.read().splitlines()) == ["of the child", "of the parent"]


@pytest.mark.parametrize(
    "end", ["sys.exit()", "multiprocessing.util._exit_function(); os._exit(0)"]
)
def test_a_process_that_ends_writes_what_is_left(end: str) -> None:
    program = (
        "import logging, multiprocessing.util, os, sys\n"
        "from lib.line_buffer import LineBuffer\n"
        "logging.getLogger().addHandler(LineBuffer(sys.stdout))\n"
        f"logging.warning('the last words')\n{end}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "the last words\n"
