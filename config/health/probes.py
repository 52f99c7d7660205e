"""Probes that check whether a part, such as the database, is available.

A part that hangs occupies one thread, however often it is probed, and results are reused for a
second, so that frequent requests cause no load.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from lib.parts import report_outage

MISSING = "missing"
TIMEOUT = 1.0
RESULT_LIFETIME = 1.0


class Probe:
    def __init__(self, check: Callable[[], None], name: str = "a part") -> None:
        """Take a function that raises any exception when the part is not available."""
        self._check, self.name = check, name
        self._lock = threading.Lock()
        self._result: Future[bool] | None = None
        self._finished_at = 0.0
        # What the last failure was called, which a check may say by the attribute `state`.
        self.state = MISSING

    def start(self) -> "Future[bool]":
        """Return the result that is fresh or under way, else start the check again."""
        with self._lock:
            if self._result is None or (self._result.done() and self._is_stale()):
                self._result = Future()
                threading.Thread(target=self._run, args=[self._result], daemon=True).start()
            return self._result

    def _is_stale(self) -> bool:
        return time.monotonic() - self._finished_at > RESULT_LIFETIME

    def _run(self, result: "Future[bool]") -> None:
        try:
            self._check()
        except Exception as error:  # noqa: BLE001 (whatever a part's client raises)
            self.state = getattr(error, "state", MISSING)
            report_outage(f"not ready: {self.name}", error)
            is_available = False
        else:
            is_available = True
        # Counted from the end: the result of a check that outlasts TIMEOUT serves the next caller.
        self._finished_at = time.monotonic()
        result.set_result(is_available)


def run_probes(probes: Mapping[str, Probe]) -> dict[str, bool]:
    """Run all probes side by side; one that takes longer than TIMEOUT counts as not available."""
    return wait_for(start_probes(probes), TIMEOUT)


def start_probes(probes: Mapping[str, Probe]) -> "dict[str, Future[bool]]":
    """Start all probes side by side, for a caller that has something else to do meanwhile."""
    return {name: probe.start() for name, probe in probes.items()}


def wait_for(results: "Mapping[str, Future[bool]]", timeout: float) -> dict[str, bool]:
    """Return what probes found within so many seconds; others count as not available."""
    deadline = time.monotonic() + timeout
    return {name: _wait(result, deadline) for name, result in results.items()}


def _wait(result: "Future[bool]", deadline: float) -> bool:
    try:
        return result.result(max(0.0, deadline - time.monotonic()))
    except FutureTimeout:
        return False
