"""Waiting for what others do, and how long they took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Answer = TypeVar("Answer")
LOOK_EVERY = 0.02


def until(
    happened: Callable[[], Answer | None], seconds: float, last_words: Callable[[], str]
) -> Answer:
    """Ask until there is an answer and return it; fails with the last words after so long."""
    deadline = time.monotonic() + seconds
    while not (answer := happened()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {last_words()}"
        time.sleep(LOOK_EVERY)
    return answer


@contextmanager
def timed(took: list[float]) -> Iterator[None]:
    """Add how many seconds the block took."""
    began = time.monotonic()
    yield
    took.append(time.monotonic() - began)


def are_prompt(took: list[float]) -> bool:
    """Tell whether all but a fifth took less than a second: a busy machine may hold up one."""
    return sum(seconds < 1 for seconds in took) >= 0.8 * len(took) > 0
