"""What progress is in each kind of process; without it, the process ends (`lib.watchdog`).

Imported before the settings are loaded, so the functions read them.
"""

import asyncio
from typing import Any

from django.conf import settings

from lib.watchdog import Pulse, Running, watch

# A task that runs for longer is none that ends by itself: what it waits for has bounds.
_MAX_TASK_SECONDS = 600
_requests = Running()
_tasks = Running()
_loop_pulse = Pulse()
_worker_pulse = Pulse()
_beat_pulse = Pulse()


class WatchedApplication:
    """A WSGI application whose requests are counted until their responses begin."""

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        key = object()
        _requests.begin(key)
        try:
            return self._application(environ, start_response)
        finally:
            _requests.end(key)


def watch_web() -> None:
    """End the process where half of its threads are stuck in requests, or nothing runs at all."""
    seconds, stuck = settings.WATCHDOG_SECONDS, max(1, settings.HTTP_THREADS // 2)
    watch(seconds, lambda: _requests.count_longer_than(seconds) < stuck)


async def keep_loop_pulse() -> None:
    """Show every second that the event loop comes round."""
    while True:
        _loop_pulse.beat()
        await asyncio.sleep(1)


def watch_loop() -> None:
    """End the process where its event loop stands still; to be called once it runs."""
    seconds = settings.WATCHDOG_SECONDS
    watch(seconds, lambda: _loop_pulse.is_within(max(2, seconds / 10)))


def watch_worker() -> None:
    """End a worker that hears nothing of a broker which is there, or whose tasks do not end."""
    seconds = settings.WATCHDOG_SECONDS
    watch(seconds, lambda: _is_connected(seconds) and not _tasks_are_stuck())


def _is_connected(seconds: float) -> bool:
    return _worker_pulse.is_within(seconds) or _is_broker_away()


def _is_broker_away() -> bool:
    """Tell whether a broker is waited for, rather than nothing at all."""
    from lib.background import broker_part, check_broker

    if broker_part().is_away:
        return True
    try:
        check_broker()
    except Exception:  # noqa: BLE001 (whatever its client raises: the broker is away)
        return True
    return False


def _tasks_are_stuck() -> bool:
    return _tasks.count_longer_than(_MAX_TASK_SECONDS) > 0


def note_heartbeat(**_: Any) -> None:
    """Receive Celery's signal, which a worker that is connected sends every two seconds."""
    _worker_pulse.beat()


def note_task(task_id: str, **_: Any) -> None:
    _tasks.begin(task_id)


def note_task_end(task_id: str, **_: Any) -> None:
    _tasks.end(task_id)


def note_tick() -> None:
    """Show that the scheduler comes round."""
    _beat_pulse.beat()


def watch_beat(**_: Any) -> None:
    """End a scheduler that no longer looks what is due, though the broker is there."""
    seconds = settings.WATCHDOG_SECONDS
    longest_wait = settings.CELERY_BEAT_MAX_LOOP_INTERVAL
    watch(seconds, lambda: _beat_pulse.is_within(seconds + longest_wait) or _is_broker_away())
