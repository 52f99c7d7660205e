"""Run named checks, and write one line for each: what works, or what is wrong and its remedy."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
POLL_INTERVAL = 0.2


class CheckFailed(Exception):
    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} → {remedy}")


class CheckSkipped(Exception):
    """A check cannot run; its message says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """`run` returns what it found, or raises CheckFailed or CheckSkipped."""

    name: str
    run: Callable[[], str]


def run_checks(checks: Iterable[Check], write: Callable[[str], None]) -> int:
    """Run the checks one after another and return how many failed.

    The name is written before the check runs, so that a check that takes long is known by name.
    """
    failures = 0
    for check in checks:
        write(f"{check.name:<16}")
        mark, message = _run(check)
        failures += mark == "WRONG"
        write(f"{mark:<6} {message}\n")
    return failures


def _run(check: Check) -> tuple[str, str]:
    try:
        return "ok", check.run()
    except CheckSkipped as reason:
        return "--", str(reason)
    except CheckFailed as failure:
        return "WRONG", str(failure)
    except Exception as error:  # noqa: BLE001 (whatever it is, the other checks are of use)
        return "WRONG", f"{type(error).__name__}: {error} → see the logs of the service"


def wait_for(poll: Callable[[], T | None], timeout: float, failure: CheckFailed) -> T:
    """Call `poll` until it returns a true value; raise `failure` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (found := poll()):
        if time.monotonic() > deadline:
            raise failure
        time.sleep(POLL_INTERVAL)
    return found
