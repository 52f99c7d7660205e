"""Asks parts whether they are there: each for about a second at most, and none twice at once.

A part that hangs keeps one thread waiting, however often it is asked for; who asks often gets the
last answer, so that strangers cannot make us ask.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer

logger = logging.getLogger(__name__)
PATIENCE = 1.0
KEPT_SECONDS = 1.0


class Probe:
    """One part's question."""

    def __init__(self, ask: Callable[[], None]) -> None:
        """Take a function that raises where the part is not there."""
        self._ask = ask
        self._lock = threading.Lock()
        self._answer: Future[bool] | None = None
        self._answered_at = 0.0

    def begin(self) -> "Future[bool]":
        """Return the answer that is under way or fresh, else ask anew."""
        with self._lock:
            if self._answer is None or (self._answer.done() and self._is_old()):
                self._answer = Future()
                threading.Thread(target=self._run, args=[self._answer], daemon=True).start()
            return self._answer

    def _is_old(self) -> bool:
        return time.monotonic() - self._answered_at > KEPT_SECONDS

    def _run(self, answer: "Future[bool]") -> None:
        try:
            self._ask()
        except Exception as error:  # noqa: BLE001 (whatever a part's client raises)
            logger.warning("a part is not there: %s", type(error).__name__)
            is_there = False
        else:
            is_there = True
        # Kept from now on: where asking takes longer than the patience, the next caller hears it.
        self._answered_at = time.monotonic()
        answer.set_result(is_there)


def are_there(probes: Mapping[str, Probe]) -> dict[str, bool]:
    """Ask all of them side by side."""
    begun = {name: probe.begin() for name, probe in probes.items()}
    end = time.monotonic() + PATIENCE
    return {name: _within(answer, end) for name, answer in begun.items()}


def _within(answer: "Future[bool]", end: float) -> bool:
    try:
        return answer.result(max(0.0, end - time.monotonic()))
    except NoAnswer:
        return False
