"""Each request writes one line, with its id and what was wrong with it."""

import logging
from collections.abc import Iterator

import pytest

from tests.clients import Client
from tests.factories import token_client

pytestmark = pytest.mark.django_db


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")


@pytest.fixture
def lines() -> Iterator[list[str]]:
    handler, logger = Lines(), logging.getLogger("tintype.requests")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.lines
    logger.removeHandler(handler)
    logger.setLevel(level)


def without_time(line: str) -> str:
    words = line.split(" ")
    assert words.pop(4).isdecimal()
    return " ".join(words)


def test_a_request_writes_one_line(lines: list[str], alice: object) -> None:
    assert token_client(alice).get("/api/user/images/?limit=3").status_code == 200  # type: ignore[arg-type]  # a user
    assert [without_time(line) for line in lines] == ["INFO GET /api/user/images/ 200 ms"]


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


def test_what_machines_ask_writes_none(lines: list[str]) -> None:
    assert Client().get("/healthz").status_code == 200
    assert lines == []
