"""Ends a process that makes no progress, so that whatever restarts processes brings another.

A process may live and do nothing: threads that wait for each other, a library that keeps the
interpreter for itself. Nobody restarts it then, and proxies go on sending requests to it.
"""

import faulthandler
import mmap
import os
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lib.made_once import made_once

Check = Callable[[], bool]
_checks: list[Check] = []
_lock = threading.Lock()
_MOMENT = struct.Struct("d")


class ProgressMark:
    """When a process last made progress, in memory that a program beside it may read too.

    Seconds of the system's monotonic clock, which all processes share, as a double; 0 at first.
    """

    def __init__(self) -> None:
        file, path = tempfile.mkstemp(prefix="tintype-progress-")
        Path(path).unlink()
        os.truncate(file, _MOMENT.size)
        self.file = file
        self._memory = mmap.mmap(self.file, _MOMENT.size)

    def set(self) -> None:
        _MOMENT.pack_into(self._memory, 0, time.monotonic())


@made_once
def progress_mark() -> ProgressMark:
    """Return the mark of this process, which `watch` sets."""
    return ProgressMark()


def watch(seconds: float, makes_progress: Check) -> None:
    """End this process, with the stacks of its threads, after so many seconds without progress.

    A timer outside of the interpreter does it, unless a thread sets it anew: so a process ends
    too that does not let this thread run. 0 seconds watch nothing. Called again it adds a check, by
    the seconds of the first call: there is one timer, and no check may set what another lets ring.
    """
    if seconds:
        with _lock:
            _checks.append(makes_progress)
            if len(_checks) == 1:
                threading.Thread(
                    target=_watch, args=(seconds,), name="watchdog", daemon=True
                ).start()


def _watch(seconds: float) -> None:
    is_first = True
    while True:
        if is_first or all(makes_progress() for makes_progress in list(_checks)):
            faulthandler.dump_traceback_later(seconds, exit=True)
            progress_mark().set()
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
