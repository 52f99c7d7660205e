"""What counts as progress in the processes of the service."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from config import progress
from config.progress import WatchedApplication
from lib.watchdog import Pulse, Running

Check = Callable[[], bool]


@pytest.fixture
def check_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], Check]:
    """Return what a process is watched by, with a second of patience."""
    given: list[Check] = []
    monkeypatch.setattr(progress, "watch", lambda _, check: given.append(check))

    def start(watching: Callable[[], None]) -> Check:
        watching()
        return given[-1]

    return start


def test_web_makes_progress_until_half_of_its_threads_are_stuck(
    check_of: Callable[[Callable[[], None]], Check], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HTTP_THREADS, settings.WATCHDOG_SECONDS = 4, 0.05
    monkeypatch.setattr(progress, "_requests", Running())
    go_on = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        go_on.wait(30)
        return []

    check = check_of(progress.watch_web)
    watched = WatchedApplication(application)
    threads = [threading.Thread(target=watched, args=({}, None)) for _ in range(2)]
    threads[0].start()
    time.sleep(0.1)
    assert check()
    threads[1].start()
    time.sleep(0.1)
    assert not check()
    go_on.set()
    for each in threads:
        each.join()
    assert check()


def test_a_worker_that_hears_nothing_waits_for_a_broker_that_is_away_and_no_other(
    check_of: Callable[[Callable[[], None]], Check], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WATCHDOG_SECONDS = 0.05
    monkeypatch.setattr(progress, "_worker_pulse", Pulse())
    check = check_of(progress.watch_worker)
    assert check()
    time.sleep(0.1)

    def away() -> None:
        raise OSError

    monkeypatch.setattr("lib.background.check_broker", away)
    assert check()
    monkeypatch.setattr("lib.background.check_broker", lambda: None)
    assert not check()
    progress.note_heartbeat()
    assert check()


def test_a_scheduler_that_stands_still_waits_for_a_broker_that_is_away_and_for_nothing_else(
    check_of: Callable[[Callable[[], None]], Check], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery's tries to connect within one look at what is due, for as long as that takes."""
    settings.WATCHDOG_SECONDS, settings.CELERY_BEAT_MAX_LOOP_INTERVAL = 0.03, 0.02
    monkeypatch.setattr(progress, "_beat_pulse", Pulse())

    def away() -> None:
        raise OSError

    check = check_of(progress.watch_beat)
    time.sleep(0.1)
    monkeypatch.setattr("lib.background.check_broker", away)
    assert check()
    monkeypatch.setattr("lib.background.check_broker", lambda: None)
    assert not check()
    progress.note_tick()
    assert check()


def test_a_task_that_never_ends_is_no_progress(
    check_of: Callable[[Callable[[], None]], Check], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_MAX_TASK_SECONDS", 0.02)
    settings.WATCHDOG_SECONDS = 60
    progress.note_heartbeat()
    check = check_of(progress.watch_worker)
    progress.note_task(task_id="a")
    time.sleep(0.05)
    assert not check()
    progress.note_task_end(task_id="a")
    assert check()
