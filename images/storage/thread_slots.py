"""How many threads of a web process may be in the storage at once: half of them.

A storage that says nothing keeps whoever asks it for seconds. The other threads are for what needs
no storage.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from images.exceptions import StorageAway

# Whoever comes while all slots are taken waits, unless one has been taken for so long already.
PATIENCE = 2.0


class ThreadSlots:
    """Without a limit, which only web processes set, everybody gets one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._limit: int | None = None
        self._taken_at: dict[int, float] = {}

    def set_limit(self, limit: int | None) -> None:
        self._limit = limit

    @contextmanager
    def take(self) -> Iterator[None]:
        """Let a thread in; raise StorageAway where the others in there do not come out."""
        me = threading.get_ident()
        if self._limit is None or me in self._taken_at:
            yield
            return
        with self._changed:
            self._wait(self._limit)
            self._taken_at[me] = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                del self._taken_at[me]
                self._changed.notify()

    def _wait(self, limit: int) -> None:
        while len(self._taken_at) >= limit:
            left = min(self._taken_at.values()) + PATIENCE - time.monotonic()
            if left <= 0 or not self._changed.wait(left):
                raise StorageAway("The storage keeps half of the threads.")


thread_slots = ThreadSlots()
