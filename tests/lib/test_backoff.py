import threading

import pytest

from lib.backoff import CircuitBreaker, ExponentialBackoff


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_new_circuit_is_closed(clock: Clock) -> None:
    assert not CircuitBreaker(2, clock).is_open
    clock.now = -1_000
    assert not CircuitBreaker(2, clock).is_open


def test_a_failure_opens_the_circuit_until_the_cooldown_has_passed(clock: Clock) -> None:
    breaker = CircuitBreaker(2, clock)
    clock.now = 10
    breaker.trip()
    clock.now = 11.999
    assert breaker.is_open
    clock.now = 12
    assert not breaker.is_open


def test_a_failure_after_the_cooldown_opens_the_circuit_anew(clock: Clock) -> None:
    breaker = CircuitBreaker(2, clock)
    breaker.trip()
    clock.now = 5
    breaker.trip()
    clock.now = 6.5
    assert breaker.is_open


def test_the_last_of_several_failures_counts(clock: Clock) -> None:
    breaker = CircuitBreaker(2, clock)
    breaker.trip()
    clock.now = 1
    breaker.trip()
    clock.now = 2.5
    assert breaker.is_open


def test_asking_does_not_change_the_circuit(clock: Clock) -> None:
    breaker = CircuitBreaker(2, clock)
    breaker.trip()
    assert [breaker.is_open for _ in range(3)] == [True] * 3
    clock.now = 2
    assert [breaker.is_open for _ in range(3)] == [False] * 3


def test_threads_that_fail_together_open_one_circuit(clock: Clock) -> None:
    breaker, barrier = CircuitBreaker(2, clock), threading.Barrier(8)

    def fail() -> None:
        barrier.wait()
        breaker.trip()

    threads = [threading.Thread(target=fail) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert breaker.is_open
    clock.now = 2
    assert not breaker.is_open


def test_delays_double_up_to_the_longest_each_in_its_upper_half() -> None:
    backoff = ExponentialBackoff(0.2, 3)
    for longest in (0.2, 0.4, 0.8, 1.6, 3, 3):
        assert longest / 2 <= backoff.next_delay() <= longest


def test_after_a_reset_delays_begin_with_the_shortest() -> None:
    backoff = ExponentialBackoff(0.2, 3)
    for _ in range(5):
        backoff.next_delay()
    backoff.reset()
    assert backoff.next_delay() <= 0.2
