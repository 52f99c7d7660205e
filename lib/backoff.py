"""Waiting before another try: a circuit breaker for calls, growing delays for loops."""

import random
import time
from collections.abc import Callable


class CircuitBreaker:
    """Keeps callers away from a service for some seconds after a call to it has failed.

    Callers ask `is_open` before a call, and skip the call while it is true; after a failure they
    call `trip`. When `cooldown` seconds have passed, calls are made again, and the next failure
    opens the circuit anew. A successful call needs no report.

    Safe to share between threads: the state is one number, read and replaced as a whole. Several
    calls that run at the same time may each fail and trip the breaker; the last one counts.
    """

    def __init__(self, cooldown: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds and never goes back."""
        self.cooldown = cooldown
        self._clock = clock
        self._open_until = float("-inf")

    @property
    def is_open(self) -> bool:
        return self._clock() < self._open_until

    def trip(self) -> None:
        """Open the circuit for `cooldown` seconds from now."""
        self._open_until = self._clock() + self.cooldown


class ExponentialBackoff:
    """Growing delays, each drawn from its upper half, so that processes do not retry at once."""

    def __init__(self, min_delay: float, max_delay: float) -> None:
        self._min_delay, self._max_delay = min_delay, max_delay
        self.reset()

    def reset(self) -> None:
        """Begin again with the shortest delay."""
        self._next = self._min_delay

    def next_delay(self) -> float:
        """Return the seconds to wait this time, and double the next delay up to the longest."""
        delay, self._next = self._next, min(self._max_delay, self._next * 2)
        return delay * random.uniform(0.5, 1)  # noqa: S311 (no secret depends on it)
