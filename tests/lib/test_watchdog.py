"""A process without progress ends, whatever keeps it."""

import subprocess
import sys
import time

import pytest

from lib.watchdog import Pulse, Running

pytestmark = pytest.mark.slow


def run(code: str) -> "tuple[int, str, float]":
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr, time.monotonic() - began


def test_a_process_whose_threads_are_stuck_ends_and_says_where() -> None:
    code, errors, _ = run(
        "import threading, time\n"
        "from lib.watchdog import Running, watch\n"
        "running = Running()\n"
        "def stuck():\n"
        "    with running.under_way():\n"
        "        threading.Event().wait(50)\n"
        "threading.Thread(target=stuck, daemon=True).start()\n"
        "watch(0.5, lambda: not running.count_longer_than(0.5))\n"
        "time.sleep(50)\n"
    )
    assert code == 1
    assert "Timeout" in errors
    assert "in stuck" in errors


def test_a_process_ends_whose_interpreter_stands_still() -> None:
    """No thread of its own could end it: the library keeps the lock that all of them need."""
    code, _, seconds = run(
        "import ctypes\n"
        "from lib.watchdog import watch\n"
        "watch(1, lambda: True)\n"
        "ctypes.PyDLL(None).sleep(40)\n"
    )
    assert code == 1
    assert seconds < 30


def test_what_is_well_hides_nothing_that_is_not() -> None:
    """The process of sockets has both an event loop and threads."""
    code, errors, _ = run(
        "import time\n"
        "from lib.watchdog import watch\n"
        "watch(0.5, lambda: True)\n"
        "watch(0.5, lambda: False)\n"
        "watch(0.5, lambda: True)\n"
        "time.sleep(50)\n"
    )
    assert code == 1
    assert "Timeout" in errors


def test_a_process_with_progress_goes_on() -> None:
    code, errors, _ = run(
        "import time\n"
        "from lib.watchdog import Pulse, watch\n"
        "pulse = Pulse()\n"
        "watch(1, lambda: pulse.is_within(1))\n"
        "for _ in range(30):\n"
        "    pulse.beat()\n"
        "    time.sleep(0.1)\n"
    )
    assert (code, errors) == (0, "")


def test_what_has_ended_is_not_counted() -> None:
    running, pulse = Running(), Pulse()
    with running.under_way(), running.under_way():
        time.sleep(0.02)
        assert running.count_longer_than(0.01) == 2
        assert not running.count_longer_than(60)
    assert not running.count_longer_than(0)
    assert pulse.is_within(60)
    assert not pulse.is_within(0.01)
