"""A logging handler that writes the lines of a moment together.

To write a line is a call of the system, and whoever makes one lets other threads go first: a
process that answers thousands of requests a second spends more on that than on making the lines.
"""

import logging
import os
import sys
import time
from collections import deque
from contextlib import suppress
from multiprocessing.util import Finalize
from threading import Event, Thread
from typing import IO

# What a killed process may lose. Other handlers' lines may overtake those of this time.
INTERVAL_SECONDS = 0.1
# So many lines are written without waiting for more.
MAX_LINES = 500


class LineBuffer(logging.StreamHandler[IO[str]]):
    """Keeps lines for INTERVAL_SECONDS; a thread writes them, and the process when it ends."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        super().__init__(stream or sys.stderr)
        self._lines: deque[str] = deque()
        self._wake_up = Event()
        self._thread: Thread | None = None
        os.register_at_fork(after_in_child=self._leave_to_parent)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.keep(self.format(record))
        except Exception:  # noqa: BLE001 (as the library does: no request fails for its line)
            self.handleError(record)

    def keep(self, line: str) -> None:
        """Keep a line that is made already; threads need no lock for that."""
        self._lines.append(line + self.terminator)
        if not self._wake_up.is_set():
            self._have_written()
        elif len(self._lines) >= MAX_LINES:
            self.flush()

    def flush(self) -> None:
        """Write what is kept."""
        self.acquire()
        try:
            if count := len(self._lines):
                self.stream.write("".join(self._lines.popleft() for _ in range(count)))
            super().flush()
        finally:
            self.release()

    def _have_written(self) -> None:
        self.acquire()
        try:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="log lines", daemon=True)
                self._thread.start()
                # Servers end their processes in several ways; all of them call this.
                Finalize(self, self._flush_if_open, exitpriority=1)
            self._wake_up.set()
        finally:
            self.release()

    def _run(self) -> None:
        """Sleep while there is nothing to write."""
        while True:
            self._wake_up.wait()
            time.sleep(INTERVAL_SECONDS)
            # Before they are written: who keeps a line meanwhile wakes this thread again.
            self._wake_up.clear()
            self._flush_if_open()

    def _flush_if_open(self) -> None:
        # Where whoever read the lines is gone, or the stream is closed, there is nobody to tell.
        with suppress(OSError, ValueError):
            self.flush()

    def _leave_to_parent(self) -> None:
        """Forget in a forked process what its parent writes, and the thread that it has not."""
        self._lines, self._wake_up, self._thread = deque(), Event(), None
