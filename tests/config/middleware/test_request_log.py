"""Each request writes one line, with its id and what was wrong with it."""

import io
import logging
import os
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from config.env.logging import LOGGING, LineFormatter
from config.middleware import request_log
from lib.line_buffer import LineBuffer
from lib.request_id import use_request_id
from tests.clients import Client
from tests.factories import token_client

pytestmark = pytest.mark.django_db


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.ids: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")
        self.ids.append(record.__dict__["request_id"])


@pytest.fixture
def handler() -> Iterator[Lines]:
    handler, logger = Lines(), logging.getLogger("tintype.requests")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def lines(handler: Lines) -> list[str]:
    return handler.lines


def without_time(line: str) -> str:
    words = line.split(" ")
    assert words.pop(4).isdecimal()
    return " ".join(words)


def test_a_request_writes_one_line(lines: list[str], alice: object) -> None:
    assert token_client(alice).get("/api/user/images/?limit=3").status_code == 200  # type: ignore[arg-type]  # a user
    assert [without_time(line) for line in lines] == ["INFO GET /api/user/images/ 200 ms"]


def test_a_line_bears_its_request_s_id_and_no_token_whoever_writes_it(handler: Lines) -> None:
    with use_request_id("of-this-request"):
        for path in (
            "/l/7.secret",
            "/reset/secret",
            "/api/user/invitations/secret",
            "/l",
            "/x/l/7",
        ):
            request_log.log_request("GET", path, 200, 0.0)
    assert set(handler.ids) == {"of-this-request"}
    assert [line.split(" ")[2] for line in handler.lines] == [
        *("/l/…", "/reset/…", "/api/user/invitations/…", "/l", "/x/l/7")
    ]


def test_a_refused_request_says_why(lines: list[str]) -> None:
    Client().post("/auth/signin", {"login": "x"}, content_type="application/json")
    Client().get("/api/user/images/")
    signed_in, unsigned = map(without_time, lines)
    assert signed_in.startswith("INFO POST /auth/signin 400 ms: ")
    assert unsigned.startswith("INFO GET /api/user/images/ 401 ms: ")


def test_what_a_stranger_sends_ends_no_line(lines: list[str]) -> None:
    Client().get("/nowhere/a%0Ab%1b[2J")
    [line] = lines
    assert line.isprintable()
    assert "404" in line


@pytest.mark.parametrize("level", [logging.INFO, logging.DEBUG])
def test_a_record_is_what_the_library_makes(level: int) -> None:
    arguments = ("GET", "/", 200, 1.0, "")
    made = request_log._make_record(level, arguments)
    usual = logging.LogRecord(
        "tintype.requests", level, request_log.__file__, 0, request_log._LINE, arguments, None
    )
    names = vars(usual).keys() - {"created", "msecs", "relativeCreated", "thread", "threadName"}
    assert {name: getattr(made, name) for name in names} == {
        name: getattr(usual, name) for name in names
    }
    assert made.getMessage() == "GET / 200 1 ms"
    assert 0 <= usual.created - made.created + 1 < 2
    assert made.process == os.getpid()


@pytest.mark.parametrize("refusal", ["", "too large"])
def test_a_handler_that_is_alone_is_given_the_line_that_it_would_make(
    handler: Lines, monkeypatch: pytest.MonkeyPatch, refusal: str
) -> None:
    clock = SimpleNamespace(time=lambda: 1_796_005_800.25, perf_counter=lambda: 7.0126)
    monkeypatch.setattr("config.middleware.request_log.time", clock)
    alone = LineBuffer(io.StringIO())
    alone.setFormatter(LineFormatter(LOGGING["formatters"]["selected"]["fmt"]))
    reason = f": {refusal}" if refusal else ""
    with use_request_id("of-this-request"):
        record = request_log._make_record(
            logging.INFO, ("GET", "/l/…", 200, (7.0126 - 7.0) * 1000, reason)
        )
        with monkeypatch.context() as patch:
            # As in a deployment; pytest has handlers of its own.
            patch.setattr(request_log.logger, "handlers", [alone])
            patch.setattr(request_log.logger, "propagate", False)
            request_log.log_request("GET", "/l/7.secret", 200, 7.0, refusal)
    alone.flush()
    [line] = alone.stream.getvalue().splitlines()  # type: ignore[attr-defined]  # a StringIO
    assert line == alone.format(record)
    assert line.endswith(f"250 INFO tintype.requests [of-this-request] GET /l/… 200 13 ms{reason}")
    assert handler.lines == []


def test_beside_another_handler_it_is_given_a_record(
    handler: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = LineBuffer(io.StringIO())
    with monkeypatch.context() as patch:
        patch.setattr(request_log.logger, "handlers", [beside, handler])
        request_log.log_request("GET", "/", 200, 0.0)
    beside.flush()
    assert [without_time(line) for line in handler.lines] == ["INFO GET / 200 ms"]
    assert beside.stream.getvalue().startswith("GET / 200 ")  # type: ignore[attr-defined]  # a StringIO


def test_what_machines_ask_writes_none(lines: list[str]) -> None:
    assert Client().get("/healthz").status_code == 200
    assert lines == []
