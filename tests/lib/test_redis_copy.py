"""A long string comes from Redis into a file, as it is, or not at all."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from pytest_django import Settings
from redis.exceptions import InvalidResponse, ResponseError, TimeoutError

from lib.redis_client import ask_redis, own_connection, redis_at, redis_client
from lib.redis_copy import copy_string
from tests.waiting import until

MOST = 300_000


@pytest.fixture
def file(tmp_path: Path) -> Iterator[BinaryIO]:
    with (tmp_path / "copy").open("w+b", buffering=0) as opened:
        yield opened


def content(file: BinaryIO) -> bytes:
    return os.pread(file.fileno(), 2 * MOST, 0)


@pytest.mark.parametrize("length", [0, 1, 65_527, 65_528, 65_536, 131_072, MOST])
def test_a_string_is_copied_whatever_its_length(file: BinaryIO, length: int) -> None:
    value = (b"\r\n$1" * (MOST // 4))[:length]
    ask_redis("SET", "copied", value, "EX", "60")
    assert copy_string("GET", "copied", into=file, most=MOST) == length
    assert content(file) == value
    assert ask_redis("GET", "copied") == value


def test_there_may_be_none(file: BinaryIO) -> None:
    assert copy_string("GET", "copied-missing", into=file, most=MOST) == 0
    assert content(file) == b""
    assert ask_redis("ECHO", "next") == b"next"


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (("GET", "copied"), InvalidResponse),  # longer than is taken
        (("STRLEN", "copied"), InvalidResponse),
        (("LPOP", "copied"), ResponseError),
    ],
)
def test_what_is_left_of_another_answer_is_nobody_elses(
    file: BinaryIO, command: tuple[str, ...], error: type[Exception]
) -> None:
    ask_redis("SET", "copied", bytes(MOST), "EX", "60")
    with pytest.raises(error):
        copy_string(*command, into=file, most=1_000)
    assert ask_redis("ECHO", "next") == b"next"


def test_a_connection_that_redis_has_closed_is_made_again(file: BinaryIO) -> None:
    ask_redis("SET", "copied", "1", "EX", "60")
    client: Any = redis_client()
    client.client_kill_filter(_id=str(ask_redis("CLIENT", "ID")))
    assert copy_string("GET", "copied", into=file, most=MOST) == 1
    assert content(file) == b"1"


def test_an_answer_that_comes_too_late_is_nobody_elses(file: BinaryIO, settings: Settings) -> None:
    ask_redis("PING")
    own_connection()._sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        copy_string("BLPOP", "copied-nothing", "1", into=file, most=MOST)
    until(lambda: not redis_at(settings.REDIS_URL).is_away, 10, lambda: "Redis is away")
    assert ask_redis("ECHO", "next") == b"next"
