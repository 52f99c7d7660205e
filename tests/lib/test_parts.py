"""A part's circuit breaker, which a look of its own closes again."""

import logging
import threading
import time

import pytest

from lib import parts
from lib.parts import MinuteLog, Part
from tests.waiting import until


class Server:
    """Something that may be away; it counts how often it is looked at."""

    def __init__(self) -> None:
        self.is_there, self.looks, self.silence = False, 0, 0.02

    def check(self) -> None:
        self.looks += 1
        if not self.is_there:
            time.sleep(self.silence)
            raise TimeoutError


@pytest.fixture(autouse=True)
def _brief_silences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PROMPT_SECONDS", 0.01)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def part(server: Server) -> Part:
    return Part("redis", server.check, interval=0.02)


def wait_until_back(part: Part) -> None:
    until(lambda: not part.is_away, 20, lambda: "it is back")


def test_a_failure_keeps_callers_away_until_the_part_is_there(part: Part, server: Server) -> None:
    assert [part.is_away] == [False]
    part.failed(TimeoutError())
    assert part.is_away
    until(lambda: server.looks > 2, 20, lambda: "it is looked at again and again")
    assert part.is_away
    server.is_there = True
    wait_until_back(part)
    looks = server.looks
    time.sleep(0.1)
    assert server.looks == looks  # nobody looks at what is there


def test_a_suspicion_keeps_nobody_away_unless_the_look_confirms_it(
    part: Part, server: Server
) -> None:
    server.is_there = True
    part.suspect()
    until(lambda: server.looks == 1 and not part._is_checking(), 20, lambda: "it is looked at")
    assert [part.is_away] == [False]
    server.is_there = False
    part.suspect()
    until(lambda: part.is_away, 20, lambda: "it is away")


def test_what_refuses_at_once_is_tried_by_everybody(part: Part, server: Server) -> None:
    """So that nobody is refused any more from the moment at which it is back."""
    server.silence = 0
    part.failed(ConnectionRefusedError(), was_silent=False)
    until(lambda: server.looks > 2, 20, lambda: "it is looked at again and again")
    assert [part.is_away] == [False]


def test_what_was_silent_keeps_callers_away_while_it_refuses(part: Part, server: Server) -> None:
    """The next of them might find it silent again, and wait."""
    server.silence = 0
    part.failed(TimeoutError())
    looks = server.looks
    until(lambda: server.looks > looks + 2, 20, lambda: "it is looked at again and again")
    assert part.is_away
    server.is_there = True
    wait_until_back(part)


def test_what_becomes_silent_after_it_has_refused_keeps_callers_away(
    part: Part, server: Server
) -> None:
    server.silence = 0
    part.failed(ConnectionRefusedError(), was_silent=False)
    server.silence = 0.05
    until(lambda: part.is_away, 20, lambda: "it became silent")


def test_many_failures_at_once_are_looked_into_by_one_thread(part: Part) -> None:
    before = threading.active_count()
    for _ in range(50):
        part.failed(TimeoutError())
    assert threading.active_count() <= before + 1


@pytest.mark.unhurried
def test_what_answers_the_look_and_fails_its_callers_is_left_alone_for_a_while(
    part: Part, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the first time: a connection may have died with the silence, unnoticed until now."""
    monkeypatch.setattr(parts, "REST_SECONDS", 2)
    server.is_there = True
    began = time.monotonic()
    for _ in range(2):
        part.failed(TimeoutError())
        wait_until_back(part)
    assert time.monotonic() - began < 2
    part.failed(TimeoutError())
    wait_until_back(part)
    assert time.monotonic() - began > 2


def test_a_call_that_began_before_the_part_came_back_says_nothing_of_it(
    part: Part, server: Server
) -> None:
    server.is_there, began = True, time.monotonic()
    part.failed(TimeoutError(), began=began)
    wait_until_back(part)
    part.failed(TimeoutError(), began=began)
    assert [part.is_away] == [False]
    server.is_there = False
    part.failed(TimeoutError(), began=time.monotonic())
    assert part.is_away


def test_one_line_a_minute_tells_how_many_were_left_out(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    log = MinuteLog(lambda: now[0])
    for _ in range(40):
        log.report("redis is away", "TimeoutError")
    log.report("disk", "ENOSPC")
    now[0] = 61
    log.report("redis is away", "TimeoutError")
    assert [record.getMessage() for record in caplog.records] == [
        "redis is away: TimeoutError",
        "disk: ENOSPC",
        "redis is away: TimeoutError (39 more since the last such line)",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
