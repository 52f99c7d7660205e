"""Wait for other processes, and measure how long they take."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
POLL_INTERVAL = 0.02
# Of what other processes do: a look is a request, a connection to the database or all of /proc.
SERVICE_INTERVAL = 0.1
# Of the start of a process, which takes seconds of a core without being asked all the time.
START_INTERVAL = 0.2


def until(
    condition: Callable[[], T | None],
    timeout: float,
    explain: Callable[[], str],
    *,
    interval: float = POLL_INTERVAL,
) -> T:
    """Return the first true value of `condition`; fail with `explain()` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {explain()}"
        time.sleep(interval)
    return value


@contextmanager
def record_duration(durations: list[float]) -> Iterator[None]:
    """Append how many seconds the block took."""
    started = time.monotonic()
    yield
    durations.append(time.monotonic() - started)


def are_prompt(durations: list[float]) -> bool:
    """Tell whether at least 80 % took less than a second: a busy machine may delay the others."""
    return sum(seconds < 1 for seconds in durations) >= 0.8 * len(durations) > 0
