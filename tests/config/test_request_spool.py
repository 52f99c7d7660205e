"""How a body is received: within bounds of time and size, whole or not at all."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import request_spool
from config.request_spool import BodyNotReceived, Receive, ReceivedBody, Spool
from images.sandbox.work_dir import work_dir

DISCONNECT = {"type": "http.disconnect"}


def sender(*chunks: bytes, pause: float = 0, last: dict[str, Any] | None = None) -> Receive:
    """Return what hands over these chunks; then `last`, or nothing for ever."""
    messages = [{"body": chunk, "more_body": True, "type": "http.request"} for chunk in chunks]
    given = iter([*messages, *([last] if last else [])])

    async def receive() -> Any:
        await asyncio.sleep(pause)
        for message in given:
            return message
        return await asyncio.Event().wait()

    return receive


END = {"type": "http.request", "body": b"", "more_body": False}


def received(spool: Spool, receive: Receive, limit: int = 10_000_000) -> ReceivedBody:
    return asyncio.run(spool.receive(receive, limit))


def test_a_body_is_received_whole_and_its_room_given_back() -> None:
    spool, chunk = Spool(), b"0123456789" * 5000
    body = received(spool, sender(*[chunk] * 30, last=END))
    body.file.seek(0)
    assert (body.size, body.file.read()) == (1_500_000, chunk * 30)
    assert spool.size == 1_500_000
    body.close()
    assert spool.size == 0


@pytest.mark.parametrize(
    ("receive", "reason"),
    [
        (lambda: sender(*[b"x" * 60_000] * 30, last=END), "too_large"),
        (lambda: sender(b"half"), "too_slow"),
        (lambda: sender(*[b"x"] * 1000, pause=0.02), "too_slow"),
    ],
)
def test_a_body_that_is_too_large_or_comes_too_slowly_is_given_up(
    receive: Callable[[], Receive], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_spool, "BODY_SECONDS", 0.2)
    spool = Spool()
    with pytest.raises(BodyNotReceived) as caught:
        received(spool, receive(), limit=1_000_000)
    assert (caught.value.reason, spool.size) == (reason, 0)


@pytest.mark.unhurried
def test_a_body_may_take_as_long_as_it_comes_at_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_spool, "BODY_SECONDS", 0.2)
    body = received(Spool(), sender(*[b"x" * 10_000] * 20, pause=0.05, last=END))
    assert body.size == 200_000
    body.close()


def test_half_a_body_is_no_body() -> None:
    with pytest.raises(ConnectionResetError):
        received(Spool(), sender(b"half", last=DISCONNECT))


def test_all_bodies_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_spool, "MAX_SPOOLED", 150_000)
    spool = Spool()
    first = received(spool, sender(b"x" * 100_000, last=END))
    with pytest.raises(BodyNotReceived) as caught:
        received(spool, sender(b"x" * 100_000, last=END))
    first.close()
    assert (caught.value.reason, spool.size) == ("no_room", 0)


def test_a_full_disk_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_spool, "work_dir", lambda: Path("/dev/null/nowhere"))
    with pytest.raises(BodyNotReceived, match="no_room"):
        received(Spool(), sender(b"x" * 100_000, last=END))


def test_nothing_is_left_in_the_work_folder() -> None:
    before = set(work_dir().iterdir())
    received(Spool(), sender(b"x" * 100_000, last=END)).close()
    assert set(work_dir().iterdir()) == before
