"""Work that a worker does beside its tasks, so that no upload's thumbnails wait for it.

A worker has few threads for tasks. Work that takes long, or has to do with many rows, is a task
that only wakes it up: it runs in a thread of its own, once in each process however often it is
woken up, and the message is acknowledged at once. So it must find in the database what there is to
do, and something has to wake it up again after the death of the worker: the scheduler does.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any

from celery import Task, shared_task
from django.db import close_old_connections
from kombu.exceptions import OperationalError

from lib.backoff import CircuitBreaker
from lib.batches import let_others_write
from lib.request_id import current_request_id, use_request_id

logger = logging.getLogger(__name__)
# Threads that are idle are used again, with their connections to the database.
_MAX_THREADS = 16
# After a failure to reach the broker, it is not tried again for 5 seconds.
_broker_breaker = CircuitBreaker(5.0)
Work = Callable[[], None]


class Background:
    """The threads of a process, and what runs in them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="background")
        self._running: Counter[str] = Counter()
        self._woken_up: set[str] = set()
        self._is_stopping = False

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping

    def start(self, name: str, work: Work, *, threads: int = 1) -> None:
        """Do work in the background; where it runs already in so many threads, once more after."""
        with self._lock:
            if self._is_stopping:
                return
            if self._running[name] >= threads:
                self._woken_up.add(name)
                return
            self._running[name] += 1
        self._executor.submit(self._run, name, work, current_request_id())

    def stop(self) -> None:
        """Start nothing more; what runs is asked to end by `is_stopping`."""
        with self._lock:
            self._is_stopping = True

    def _run(self, name: str, work: Work, request_id: str) -> None:
        with use_request_id(request_id):
            _do(name, work)
            while self._is_woken_up_again(name):
                _do(name, work)

    def _is_woken_up_again(self, name: str) -> bool:
        with self._lock:
            if name in self._woken_up and not self._is_stopping:
                self._woken_up.discard(name)
                return True
            self._running[name] -= 1
            return False


def _do(name: str, work: Work) -> None:
    close_old_connections()
    try:
        work()
    except Exception:
        # As Celery logs a task that fails; the scheduler wakes it up again.
        logger.exception("%s failed", name)
    finally:
        close_old_connections()


background = Background()


def repeat(step: Callable[[], int | bool]) -> None:
    """Repeat a step until it finds nothing more to do, or the process is to end."""
    while not background.is_stopping and step():
        let_others_write()


def background_task(
    name: str, *, threads: Callable[[], int] = lambda: 1
) -> Callable[[Work], Task[[], None]]:
    """Make a task that wakes work up, in at most so many threads of each process.

    Called directly, and where tasks run at once, it does the work itself and returns when that is
    done.
    """

    def decorate(work: Work) -> Task[[], None]:
        @shared_task(name=name, bind=True)
        @wraps(work)
        def wake_up(task: Task[Any, Any]) -> None:
            if task.request.called_directly or task.request.is_eager:
                work()
            else:
                background.start(name, work, threads=threads())

        return wake_up

    return decorate


def enqueue_task(task: Task[Any, Any], *arguments: Any, expires: float = 60.0) -> bool:
    """Send the message of a task; return whether the broker accepted it.

    It never raises: what there is to do stands in the database, where the scheduler finds it. A
    message that nobody has read within `expires` seconds is dropped.
    """
    if _broker_breaker.is_open:
        return False
    try:
        task.apply_async(arguments, expires=expires)
    except (OperationalError, OSError) as error:
        _broker_breaker.trip()
        logger.warning("the broker is unavailable, %s waits: %s", task.name, type(error).__name__)
        return False
    return True
