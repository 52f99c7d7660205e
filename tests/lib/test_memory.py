import time

import pytest

from lib import memory
from tests.waiting import until


@pytest.mark.unhurried
def test_memory_is_given_back_once_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    # Another test's may be waiting for as long as in the service.
    monkeypatch.setattr(memory, "_later", memory._Later())
    monkeypatch.setattr(memory, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(memory, "give_back_memory", lambda: given.append(time.monotonic()))
    for burst in (1, 2):
        for _ in range(3):
            time.sleep(0.05)
            memory.give_back_memory_later()
        asked_at = time.monotonic()
        while len(given) < burst and time.monotonic() < asked_at + 10:
            time.sleep(0.01)
        assert len(given) == burst
        assert given[-1] - asked_at > 0.1


@pytest.mark.unhurried
def test_who_asks_as_the_wait_ends_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    later = memory._Later()
    monkeypatch.setattr(memory, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(memory, "give_back_memory", lambda: given.append(time.monotonic()))
    later.ask()
    with later._lock:
        time.sleep(0.3)
        due_at = later._due_at = time.monotonic() + 0.5
    until(lambda: bool(given), 10, lambda: "nothing was given back")
    assert given[0] >= due_at
