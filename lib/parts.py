"""The parts that a process talks to, each with one circuit breaker for all of its threads.

A part that is *silent* must cost no more than one that refuses: whoever finds it so says `failed`,
and from then on callers ask `is_away` and do not even try. A thread looks whether it is there
again, so that no caller has to find out. One that refuses at once, and was not silent before,
costs its callers nothing, so they go on trying, and are served from the moment at which it is
there. What a part's failures say in the log is said once a minute, with their number.
"""

import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)
# Between two looks at a part that is away.
CHECK_INTERVAL = 0.5
# A part that answers the check and fails its callers again and again, each time within so long, is
# left alone for a while before it is looked at. Once is no reason: a connection may have died with
# the silence, and be found so by its next caller.
UNSTEADY_SECONDS = 10.0
REST_SECONDS = 3.0
LOG_INTERVAL = 60.0
# A check that takes longer to fail has met a silence.
PROMPT_SECONDS = 0.8
# What nobody has asked for so long is looked at no more, until somebody does.
ASKED_WITHIN = 600.0


class MinuteLog:
    """Says the first of many alike at once, and then one line a minute with their number."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds and never goes back."""
        self._clock = clock
        self._lock = threading.Lock()
        self._said_at: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def report(self, kind: str, text: str) -> bool:
        """Log a warning, unless one of its kind was logged within the minute; tell whether."""
        with self._lock:
            now = self._clock()
            if now - self._said_at.get(kind, float("-inf")) < LOG_INTERVAL:
                self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
                return False
            self._said_at[kind] = now
            unsaid = self._unsaid.pop(kind, 0)
        more = f" ({unsaid} more since the last such line)" if unsaid else ""
        logger.warning("%s: %s%s", kind, text, more)
        return True


_log = MinuteLog()


def report_outage(kind: str, error: BaseException | str) -> None:
    """Log that something is away or refuses, once a minute for each kind, with their number."""
    text = error if isinstance(error, str) else type(error).__name__
    _log.report(kind, text)


class Part:
    """A part, such as the database, as this process knows it."""

    def __init__(
        self,
        name: str,
        check: Callable[[], None],
        *,
        interval: float = CHECK_INTERVAL,
        is_tried_while_it_refuses: bool = True,
    ) -> None:
        """`check` raises, within seconds, whatever it likes while the part is not there."""
        self.name = name
        self._check, self._interval = check, interval
        self._is_tried_while_it_refuses = is_tried_while_it_refuses
        self._lock = threading.Lock()
        self._is_away = False
        self._failing_since: float | None = None
        self._back_at = float("-inf")
        self._relapses = 0
        self._asked_at = 0.0
        self._checker: threading.Thread | None = None
        self._log = MinuteLog()

    @property
    def is_away(self) -> bool:
        """Whether callers should not try, because a call or a check has failed since."""
        if not self._is_away:
            return False
        # A forked process inherits what was found, and not the thread that looks.
        self._start_checking(only_if_away=True)
        return self._is_away

    def failed(
        self, error: BaseException, *, was_silent: bool = True, began: float = float("inf")
    ) -> None:
        """Keep callers away until a check succeeds, unless the part has refused at once.

        A call that `began` (by the monotonic clock) before the part came back says nothing of now.
        """
        if began >= self._back_at:
            self._note_failure(error, was_silent=was_silent)
            self._start_checking()

    def _note_failure(self, error: BaseException, *, was_silent: bool) -> None:
        with self._lock:
            if self._failing_since is None:
                self._failing_since = now = time.monotonic()
                is_unsteady = now - self._back_at < UNSTEADY_SECONDS
                self._relapses = self._relapses + 1 if is_unsteady else 0
            self._is_away |= was_silent or not self._is_tried_while_it_refuses
        self._log.report(f"{self.name} is away", type(error).__name__)

    def suspect(self) -> None:
        """Have it looked at, while callers go on; return at once."""
        self._start_checking()

    def refuse(self) -> None:
        """Count a call that was not even tried."""
        self._log.report(f"{self.name} is away", "calls are refused")

    def _is_checking(self) -> bool:
        return self._checker is not None and self._checker.is_alive()

    def _start_checking(self, *, only_if_away: bool = False) -> None:
        self._asked_at = time.monotonic()
        with self._lock:
            # One that began when it had just come back would hide what fails next.
            if not self._is_checking() and (self._is_away or not only_if_away):
                name = f"is {self.name} there?"
                self._checker = threading.Thread(target=self._look, name=name, daemon=True)
                self._checker.start()

    def _look(self) -> None:
        if self._relapses > 1 and self._is_away:
            time.sleep(REST_SECONDS)
        while not self._is_there() and time.monotonic() - self._asked_at < ASKED_WITHIN:
            time.sleep(self._interval)

    def _is_there(self) -> bool:
        began = time.monotonic()
        try:
            self._check()
        except Exception as error:  # noqa: BLE001 (whatever a part's client raises)
            self._note_failure(error, was_silent=time.monotonic() - began > PROMPT_SECONDS)
            return False
        with self._lock:
            self._is_away, self._checker = False, None
            since, self._failing_since = self._failing_since, None
            now = time.monotonic()
            if since is not None:
                self._back_at = now
        if since is not None:
            logger.info("%s is back after %.1f s", self.name, now - since)
        return True
