import time
from functools import partial

import pytest

from lib import memory
from tests.waiting import until


class Clock:
    """Sleeps in no time; somebody asks ten seconds into a sleep, as often as is said."""

    def __init__(self, asks: int) -> None:
        self.now, self.asks = 0.0, asks

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        if self.asks:
            self.asks -= 1
            self.now += 10
            memory.give_back_memory_later()
            seconds -= 10
        self.now += seconds


def test_memory_is_given_back_once_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, given = Clock(asks=1), list[float]()
    monkeypatch.setattr(memory, "time", clock)
    monkeypatch.setattr(memory, "_later", memory._Later(lambda: given.append(clock.now)))
    for times in ([25.0], [25.0, 40.0]):
        memory.give_back_memory_later()
        until(partial(given.__eq__, times), 10, lambda: str(given))


@pytest.mark.unhurried
def test_who_asks_as_the_wait_ends_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    later = memory._Later(lambda: given.append(time.monotonic()))
    monkeypatch.setattr(memory, "QUIET_SECONDS", 0.1)
    later.ask()
    with later._lock:
        time.sleep(0.3)
        due_at = later._due_at = time.monotonic() + 0.5
    until(lambda: bool(given), 10, lambda: "nothing was given back")
    assert given[0] >= due_at
