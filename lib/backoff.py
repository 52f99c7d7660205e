"""Waiting before another try: delays that grow."""

import random


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
