"""Commands that run until they are told to stop, and wait with patience."""

import signal
import threading
from pathlib import Path
from types import FrameType


class Stop:
    """Set by SIGTERM or SIGINT; a wait ends at once when it is.

    Loops ask it at every turn, so the age of the pulse file tells whether they still turn.
    """

    def __init__(self, pulse: str = "") -> None:
        """Begin not stopped."""
        self._event = threading.Event()
        self._pulse = Path(pulse) if pulse else None

    def on_signals(self) -> None:
        """Listen for the signals; only the main thread may."""
        signal.signal(signal.SIGTERM, self._set)
        signal.signal(signal.SIGINT, self._set)

    def set(self) -> None:
        """Stop."""
        self._event.set()

    def is_set(self) -> bool:
        """Tell whether to stop."""
        if self._pulse:
            self._pulse.touch()
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Wait, at most until stopped."""
        self._event.wait(seconds)

    def _set(self, signum: int, frame: FrameType | None) -> None:
        self.set()
