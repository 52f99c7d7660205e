"""Memory that is no longer needed, given back to the system by glibc, which else keeps some."""

import ctypes
import threading
import time
from collections.abc import Callable

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
# So long nobody may have asked for it: it takes locks that a busy process wants.
QUIET_SECONDS = 15.0


def give_back_memory() -> None:
    """Take a few milliseconds at most; do nothing where the C library has no such function."""
    if _trim:
        _trim(0)


class _Later:
    """One thread, which lives until it was quiet for long enough."""

    def __init__(self, give_back: Callable[[], None] = give_back_memory) -> None:
        self._give_back = give_back
        self._lock = threading.Lock()
        self._due_at = 0.0
        self._is_waiting = False

    def ask(self) -> None:
        with self._lock:
            self._due_at = time.monotonic() + QUIET_SECONDS
            if not self._is_waiting:
                self._is_waiting = True
                threading.Thread(target=self._wait, name="memory", daemon=True).start()

    def _wait(self) -> None:
        is_due = False
        while not is_due:
            # Whoever asks once it is due starts another thread.
            with self._lock:
                left = self._due_at - time.monotonic()
                is_due = left <= 0
                self._is_waiting = not is_due
            if not is_due:
                time.sleep(left)
        self._give_back()


_later = _Later()


def give_back_memory_later() -> None:
    """Give memory back once nobody has called this for QUIET_SECONDS."""
    _later.ask()
