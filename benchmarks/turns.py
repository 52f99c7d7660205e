"""Lets two runs of a benchmark take turns, where `./dev bench --compare` started both.

A run asks for its turn before each slice that it measures, and the other waits meanwhile: whatever
else the machine does falls on both. Alone, a run never waits. Both do the same slices in the same
order, since both are this code on two trees of the service.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

# Two descriptors, to hear on and to tell on: `devkit.comparing` sets it.
VARIABLE = "BENCH_TURNS"


class _Line:
    """The way to whoever compares; opened once."""

    opened: tuple[IO[str], IO[str]] | None = None

    @classmethod
    def open(cls) -> tuple[IO[str], IO[str]] | None:
        named = os.environ.get(VARIABLE)
        if named and cls.opened is None:
            hear, tell = map(int, named.split(","))
            cls.opened = os.fdopen(hear), os.fdopen(tell, "w")
        return cls.opened


def is_compared() -> bool:
    """Tell whether another run takes turns with this one."""
    return VARIABLE in os.environ


@contextmanager
def turn() -> Iterator[None]:
    """Measure inside; raises RuntimeError where whoever compares is gone."""
    if line := _Line.open():
        hear, _ = line
        _tell({"turn": "asked"})
        if not hear.readline():
            raise RuntimeError("whoever compares is gone")
    yield
    if line:
        _tell({"turn": "over"})


def report(title: str, rows: Mapping[str, Mapping[str, float | None]]) -> bool:
    """Hand figures to whoever compares; return whether there is anybody."""
    if _Line.open() is None:
        return False
    _tell({"table": title, "rows": rows})
    return True


def _tell(message: Mapping[str, Any]) -> None:
    if line := _Line.open():
        _, tell = line
        tell.write(json.dumps(message) + "\n")
        tell.flush()
