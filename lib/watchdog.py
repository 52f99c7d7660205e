"""Ends a process that makes no progress, so that whatever restarts processes brings another.

A process may live and do nothing: threads that wait for each other, a library that keeps the
interpreter for itself. Nobody restarts it then, and proxies go on sending requests to it.
"""

import faulthandler
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Check = Callable[[], bool]


def watch(seconds: float, makes_progress: Check) -> None:
    """End this process, with the stacks of its threads, after so many seconds without progress.

    A timer outside of the interpreter does it, unless a thread sets it anew: so a process ends
    too that does not let this thread run. 0 seconds watch nothing.
    """
    if seconds:
        arguments = (seconds, makes_progress)
        threading.Thread(target=_watch, args=arguments, name="watchdog", daemon=True).start()


def _watch(seconds: float, makes_progress: Check) -> None:
    is_first = True
    while True:
        if is_first or makes_progress():
            faulthandler.dump_traceback_later(seconds, exit=True)
        is_first = False
        time.sleep(seconds / 10)


class Running:
    """What is under way, and since when."""

    def __init__(self) -> None:
        self._begun: dict[object, float] = {}

    @contextmanager
    def under_way(self) -> Iterator[None]:
        key = object()
        self._begun[key] = time.monotonic()
        try:
            yield
        finally:
            self._begun.pop(key, None)

    def begin(self, key: object) -> None:
        self._begun[key] = time.monotonic()

    def end(self, key: object) -> None:
        self._begun.pop(key, None)

    def count_longer_than(self, seconds: float) -> int:
        """Return how many are under way for longer."""
        limit = time.monotonic() - seconds
        return sum(begun < limit for begun in list(self._begun.values()))


class Pulse:
    """When a loop last came round."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def beat(self) -> None:
        self._at = time.monotonic()

    def is_within(self, seconds: float) -> bool:
        return time.monotonic() - self._at < seconds
