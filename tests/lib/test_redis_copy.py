"""A long string travels between a file and Redis as it is, or not at all."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from pytest_django import Settings
from redis.exceptions import InvalidResponse, ResponseError, TimeoutError

from lib.redis_client import ask_redis, own_connection, redis_at, redis_client
from lib.redis_copy import copy_string, store_string
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


def test_pieces_are_stored_as_one_string() -> None:
    pieces = [b"\r\n" * 40_000, b"", b"$1\r\n", bytes(70_000)]
    length = sum(map(len, pieces))
    store_string("stored-ä", lambda: iter(pieces), length=length, ex=60)
    assert ask_redis("GET", "stored-ä") == b"".join(pieces)
    assert 0 < ask_redis("TTL", "stored-ä") <= 60


def test_where_a_piece_is_missing_nothing_is_stored() -> None:
    def pieces() -> Iterator[bytes]:
        yield bytes(70_000)
        raise LookupError

    with pytest.raises(LookupError):
        store_string("stored-half", pieces, length=80_000, ex=60)
    client: Any = redis_client()
    assert client.get("stored-half") is None
    assert ask_redis("ECHO", "next") == b"next"


def test_what_redis_refuses_to_store_is_told() -> None:
    with pytest.raises(ResponseError):
        store_string("stored-never", lambda: iter([b"1"]), length=1, ex=0)
    client: Any = redis_client()
    assert client.ping()
