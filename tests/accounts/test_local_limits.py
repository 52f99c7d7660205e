"""Counting without asking Redis each time, shared once a second."""

import time
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisAway

from accounts import local_limits
from accounts.local_limits import WINDOW_SECONDS, LocalLimit


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The beginning of a minute, until a test moves on."""
    now = [time.time() // WINDOW_SECONDS * WINDOW_SECONDS]
    monkeypatch.setattr("accounts.local_limits.time.time", lambda: now[0])
    return now


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of commands that Redis was sent, as a list of one."""
    counted = [0]
    client: Any = local_limits._redis()
    execute = client.execute_command

    def count(*command: Any, **options: Any) -> Any:
        counted[0] += 1
        return execute(*command, **options)

    monkeypatch.setattr(client, "execute_command", count)
    return counted


def test_beyond_the_limit_the_rest_of_the_minute_is_to_be_waited_for(clock: list[float]) -> None:
    calls = LocalLimit("alone")
    clock[0] += 10
    assert [calls.seconds_to_wait("a", 3) for _ in range(5)] == [0, 0, 0, 50, 50]
    assert calls.seconds_to_wait("b", 3) == 0
    clock[0] += 50
    assert calls.seconds_to_wait("a", 3) == 0


def test_redis_is_asked_once_a_second(clock: list[float], trips: list[int]) -> None:
    calls = LocalLimit("seldom")
    for _ in range(3):
        for _ in range(100):
            calls.seconds_to_wait("a", 1_000)
        clock[0] += 1
    assert trips == [3]


def test_a_thousand_keys_are_one_command(clock: list[float], trips: list[int]) -> None:
    """A command for each address took a busy process a tenth of each second."""
    one, other = LocalLimit("thousands"), LocalLimit("thousands")
    for number in range(2_500):
        one.seconds_to_wait(f"10.0.{number // 250}.{number % 250}", 100)
    trips[0] = 0
    clock[0] += 1
    one.seconds_to_wait("10.0.0.0", 100)
    assert trips == [3]
    assert other.seconds_to_wait("10.0.0.0", 2)
    clock[0] += 1
    assert other.seconds_to_wait("10.0.9.249", 1)


def test_processes_learn_of_each_other_within_a_second(clock: list[float]) -> None:
    one, other = LocalLimit("together"), LocalLimit("together")
    for _ in range(10):
        one.seconds_to_wait("a", 100)
        other.seconds_to_wait("a", 100)
    clock[0] += 1
    one.seconds_to_wait("a", 100)
    other.seconds_to_wait("a", 100)
    clock[0] += 1
    assert one.seconds_to_wait("a", 22)
    assert not one.seconds_to_wait("a", 100)


def test_without_redis_each_process_counts_on(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*command: Any, **options: Any) -> Any:
        raise RedisAway

    monkeypatch.setattr(local_limits._redis(), "execute_command", fail)
    calls = LocalLimit("without")
    assert [calls.seconds_to_wait("a", 2) > 0 for _ in range(4)] == [False, False, True, True]


def test_strangers_cannot_fill_the_memory(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_limits, "MAX_KEYS", 100)
    calls = LocalLimit("many")
    for _ in range(5):
        calls.seconds_to_wait("busy", 2)
    for number in range(1_000):
        calls.seconds_to_wait(f"stranger {number}", 2)
    assert len(calls._shared) + len(calls._unshared) <= 200
    assert calls.seconds_to_wait("busy", 2)
