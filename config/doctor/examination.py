"""One finding a line: what works, or what is wrong and how to mend it."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

Found = TypeVar("Found")
LOOK_EVERY = 0.2


class Trouble(Exception):
    """Something is wrong; `mend` says what to do about it."""

    def __init__(self, wrong: str, mend: str) -> None:
        """Keep both for the line."""
        super().__init__(f"{wrong} → {mend}")


class NotTried(Exception):
    """A step that has nothing to work on, and says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """A question; its answer is a few words on what was found."""

    name: str
    ask: Callable[[], str]


def examine(steps: Iterable[Step], say: Callable[[str], None]) -> int:
    """Take one step after the other, saying which; returns how many found trouble."""
    troubles = 0
    for step in steps:
        say(f"{step.name:<16}")
        mark, words = _taken(step)
        troubles += mark == "WRONG"
        say(f"{mark:<6} {words}\n")
    return troubles


def _taken(step: Step) -> tuple[str, str]:
    try:
        return "ok", step.ask()
    except NotTried as reason:
        return "--", str(reason)
    except Trouble as trouble:
        return "WRONG", str(trouble)
    except Exception as error:  # noqa: BLE001 (whatever it is, the other steps are of use)
        return "WRONG", f"{type(error).__name__}: {error} → see the logs of the service"


def awaited(look: Callable[[], Found | None], seconds: float, trouble: Trouble) -> Found:
    """Look again and again; raises the trouble when the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise trouble
        time.sleep(LOOK_EVERY)
    return found
