import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import make_password
from pytest_django import Settings

from accounts import hashing_queue
from accounts.exceptions import HashingBusy
from accounts.hashing_queue import HashingQueue, Trust, hash_as


class Crowd:
    """People before a queue whose only turn is taken until `open`."""

    def __init__(self, queue: HashingQueue) -> None:
        self.queue = queue
        self.order: list[str] = []
        self.opened = threading.Event()
        self.threads = ThreadPoolExecutor(32)
        self.threads.submit(self.hash_a_password, "first", Trust.KNOWN)
        self.wait_until(lambda: bool(self.order))

    def come(self, name: str, trust: Trust) -> Future[None]:
        before = list(self.queue._waiting)
        future = self.threads.submit(self.hash_a_password, name, trust)
        self.wait_until(lambda: future.done() or self.queue._waiting != before)
        return future

    def hash_a_password(self, name: str, trust: Trust) -> None:
        with self.queue.turn(trust):
            self.order.append(name)
            self.opened.wait(10)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def open(self) -> None:
        self.opened.set()
        self.threads.shutdown()


def test_the_most_trusted_go_first_and_of_equals_who_came_first() -> None:
    crowd = Crowd(HashingQueue(max_running=1))
    for name, trust in [
        ("stranger", Trust.OTHER), ("neighbour", Trust.CLEAN), ("second neighbour", Trust.CLEAN),
        ("owner", Trust.KNOWN),
    ]:  # fmt: skip
        crowd.come(name, trust)
    crowd.open()
    assert crowd.order == ["first", "owner", "neighbour", "second neighbour", "stranger"]


def test_where_too_many_wait_the_last_of_the_least_trusted_is_refused() -> None:
    crowd = Crowd(HashingQueue(max_running=1, max_waiting=2))
    early, late = crowd.come("early", Trust.OTHER), crowd.come("late", Trust.OTHER)
    with pytest.raises(HashingBusy):
        crowd.come("latest", Trust.OTHER).result(5)
    owner = crowd.come("owner", Trust.KNOWN)
    with pytest.raises(HashingBusy):
        late.result(5)
    crowd.open()
    early.result(5)
    owner.result(5)
    assert crowd.order == ["first", "owner", "early"]


def test_nobody_waits_longer_than_allowed_and_turns_are_not_lost() -> None:
    queue = HashingQueue(max_running=1, max_wait_seconds=0.05)
    crowd = Crowd(queue)
    with pytest.raises(HashingBusy):
        crowd.come("impatient", Trust.KNOWN).result(5)
    crowd.open()
    with pytest.raises(KeyError), queue.turn(Trust.OTHER):
        raise KeyError
    with queue.turn(Trust.OTHER):
        pass


def test_a_thousand_turns_never_overlap_more_than_allowed() -> None:
    queue = HashingQueue(max_running=2, max_waiting=64)
    running, most = 0, 0
    lock = threading.Lock()

    def take(number: int) -> None:
        nonlocal running, most
        with queue.turn(Trust(number % 3)):
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.0001)
            with lock:
                running -= 1

    with ThreadPoolExecutor(32) as threads:
        list(threads.map(take, range(1000)))
    assert most == 2
    assert queue._free == 2


def test_each_hash_of_a_deployment_waits_for_its_turn(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PASSWORD_HASHERS = ["accounts.hashers.OwaspArgon2Hasher"]
    monkeypatch.setattr(hashing_queue, "_queue", HashingQueue(max_running=0, max_waiting=0))
    with hash_as(Trust.OTHER), pytest.raises(HashingBusy):
        make_password("a password")
