"""A logging handler that writes the lines of a moment together.

To write a line is a call of the system, and whoever makes one lets other threads go first: a
process that answers thousands of requests a second spends more on that than on making the lines.
"""

import logging
import os
import sys
import time
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
        self._lines: list[str] = []
        self._wake_up = Event()
        self._thread: Thread | None = None
        os.register_at_fork(after_in_child=self._leave_to_parent)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; the caller holds the handler's lock."""
        try:
            self._lines.append(self.format(record) + self.terminator)
            count = len(self._lines)
            if count == 1:
                self._have_written()
            elif count >= MAX_LINES:
                self.flush()
        except Exception:  # noqa: BLE001 (as the library does: no request fails for its line)
            self.handleError(record)

    def flush(self) -> None:
        """Write what is kept."""
        self.acquire()
        try:
            if self._lines:
                text = "".join(self._lines)
                self._lines.clear()
                self.stream.write(text)
            super().flush()
        finally:
            self.release()

    def _have_written(self) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._run, name="log lines", daemon=True)
            self._thread.start()
            # Servers end their processes in several ways; all of them call this.
            Finalize(self, self._flush_if_open, exitpriority=1)
        self._wake_up.set()

    def _run(self) -> None:
        """Sleep while there is nothing to write."""
        while True:
            self._wake_up.wait()
            self._wake_up.clear()
            time.sleep(INTERVAL_SECONDS)
            self._flush_if_open()

    def _flush_if_open(self) -> None:
        # Where whoever read the lines is gone, or the stream is closed, there is nobody to tell.
        with suppress(OSError, ValueError):
            self.flush()

    def _leave_to_parent(self) -> None:
        """Forget in a forked process what its parent writes, and the thread that it has not."""
        self._lines, self._wake_up, self._thread = [], Event(), None
