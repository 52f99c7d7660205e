"""Waiting for what others do."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")
LOOK_EVERY = 0.02


def until(happened: Callable[[], Answer], seconds: float, last_words: Callable[[], str]) -> Answer:
    """Ask until there is an answer and return it; fails with the last words after so long."""
    deadline = time.monotonic() + seconds
    while not (answer := happened()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {last_words()}"
        time.sleep(LOOK_EVERY)
    return answer
