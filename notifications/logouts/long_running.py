"""Commands that run until they are stopped."""

import signal
import threading
from pathlib import Path
from types import FrameType

from lib.watchdog import Pulse, watch


class Stop:
    """A flag that SIGTERM or SIGINT sets; setting it ends every `wait` at once.

    Loops read it in every round, and reading it touches the pulse file, so the age of that file
    shows whether the loop still runs. A loop that does not come round ends the process.
    """

    def __init__(self, pulse: str = "") -> None:
        self._event = threading.Event()
        self._pulse = Path(pulse) if pulse else None
        self._round = Pulse()

    def watch(self, seconds: float) -> None:
        """End the process where no round begins for so long."""
        watch(seconds, lambda: self._round.is_within(seconds))

    def on_signals(self) -> None:
        """Handle the signals; callable from the main thread only."""
        signal.signal(signal.SIGTERM, self._set)
        signal.signal(signal.SIGINT, self._set)

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        """Touch the pulse file, and tell whether to stop."""
        self._round.beat()
        if self._pulse:
            self._pulse.touch()
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Wait, at most until the flag is set."""
        self._event.wait(seconds)

    def _set(self, signum: int, frame: FrameType | None) -> None:
        self.set()
