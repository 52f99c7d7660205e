"""What a process has one of is made once, though several threads ask for it first."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from lib import redis_client
from lib.made_once import made_once
from lib.redis_client import client_with_timeouts

THREADS = 4


def test_threads_that_ask_together_get_the_same() -> None:
    waiting, calls = threading.Barrier(THREADS), list[str]()
    second_has_begun = threading.Event()

    @made_once
    def lock_of(name: str) -> object:
        calls.append(name)
        if len(calls) > 1:
            second_has_begun.set()
        # A second call would begin meanwhile.
        second_has_begun.wait(0.1)
        return object()

    def ask(_: int) -> object:
        waiting.wait()
        return lock_of("a")

    with ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(ask, range(THREADS)))
    assert found == [lock_of("a")] * THREADS
    assert lock_of("b") is not lock_of("a")
    assert calls == ["a", "b"]


def test_what_was_not_made_is_tried_again() -> None:
    is_there = iter([False, True])

    @made_once
    def part() -> str:
        if not next(is_there):
            raise OSError("away")
        return "there"

    with pytest.raises(OSError, match="away"):
        part()
    assert part() == part() == "there"
    part.cache_clear()
    with pytest.raises(StopIteration):
        part()


def test_making_one_may_need_another() -> None:
    @made_once
    def number(of: int) -> int:
        return of and number(of - 1) + 1

    assert number(3) == 3


def test_a_forked_process_does_not_wait_for_a_thread_of_its_parent() -> None:
    is_making, may_end = threading.Event(), threading.Event()

    @made_once
    def slow() -> int:
        if threading.current_thread() is making:
            is_making.set()
            may_end.wait()
        return os.getpid()

    making = threading.Thread(target=slow)
    making.start()
    is_making.wait()
    child = os.fork()
    if not child:
        os._exit(slow() != os.getpid())
    _, status = os.waitpid(child, 0)
    may_end.set()
    making.join()
    assert os.waitstatus_to_exitcode(status) == 0
    assert slow() == os.getpid()


@pytest.fixture
def _no_client() -> None:
    redis_client.client_of.cache_clear()


@pytest.mark.usefixtures("_no_client")
def test_a_client_of_redis_is_in_use_by_nobody_when_another_takes_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that is collected closes its connections, in the middle of other threads' calls."""
    waiting, make = threading.Barrier(THREADS), Redis.from_url

    def make_slowly(*args: object, **options: object) -> Redis:
        second_has_begun.wait(0.1)
        second_has_begun.set()
        return make(*args, **options)  # type: ignore[arg-type]

    def ask(_: int) -> Redis:
        waiting.wait()
        return client_with_timeouts(3.25, connect_seconds=1)

    second_has_begun = threading.Event()
    monkeypatch.setattr(Redis, "from_url", make_slowly)
    with ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(ask, range(THREADS)))
    assert {id(each) for each in found} == {id(client_with_timeouts(3.25, connect_seconds=1))}
