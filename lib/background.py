"""Work that a worker does beside its tasks, so that no upload's thumbnails wait for it.

A worker has few threads for tasks. Work that takes long, or has to do with many rows, is a task
that only wakes it up: it runs in a thread of its own, once in each process however often it is
woken up, and the message is acknowledged at once. So it must find in the database what there is to
do, and something has to wake it up again after the death of the worker: the scheduler does.
"""

import atexit
import logging
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from functools import partial, wraps
from typing import Any, NamedTuple

from celery import Celery, Task, current_app, shared_task
from django.conf import settings
from django.db import close_old_connections
from kombu import Connection
from kombu.exceptions import OperationalError

from lib.batches import let_others_write
from lib.made_once import made_once
from lib.parts import Part
from lib.redis_client import redis_at
from lib.request_id import current_request_id, use_request_id

logger = logging.getLogger(__name__)
# Threads that are idle are used again, with their connections to the database.
_MAX_THREADS = 16
# A broker under an alarm takes connections, and confirms nothing that is published.
_CHECK_TIMEOUT = 1
# Messages that may wait to be sent; further ones are left to the scheduler.
_MAX_WAITING = 1_000
# At the end of a process.
_FLUSH_SECONDS = 2.0
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


@made_once
def broker_part() -> Part:
    """Return the broker as a part of this process; without RabbitMQ it is Redis."""
    if settings.AMQP_URL:
        # Nobody waits: what is not sent is found by the scheduler.
        return Part("broker", check_broker, is_tried_while_it_refuses=False)
    return redis_at(settings.REDIS_URL)


class BrokerBlocked(Exception):
    """RabbitMQ lets clients in and confirms nothing: an alarm for memory or disk."""

    state = "blocked"


def check_broker(app: Celery = current_app) -> None:
    """Raise an error unless the broker is there within seconds.

    RabbitMQ has to confirm a message (to nobody); raise BrokerBlocked where it does not.
    """
    options = {"read_timeout": _CHECK_TIMEOUT, "write_timeout": _CHECK_TIMEOUT}
    is_amqp = app.connection_for_write().transport_cls == "amqp"
    connection = app.connection_for_write(
        connect_timeout=_CHECK_TIMEOUT, transport_options=options if is_amqp else {}
    )
    try:
        connection.ensure_connection(max_retries=1, timeout=_CHECK_TIMEOUT)
        if is_amqp:
            _publish_to_nobody(connection)
    finally:
        # Without saying goodbye, for which a broker that is silent would be waited.
        connection.collect(_CHECK_TIMEOUT)


def _publish_to_nobody(connection: Connection) -> None:
    try:
        with connection.Producer() as producer:
            producer.publish("", routing_key="tintype-is-there", retry=False)
    except TimeoutError:
        raise BrokerBlocked from None


def enqueue_task(task: Task[Any, Any], *arguments: Any, expires: float = 60.0) -> bool:
    """Send the message of a task; return whether the broker accepted it.

    It never raises: what there is to do stands in the database, where the scheduler finds it. A
    message that nobody has read within `expires` seconds is dropped.
    """
    part = broker_part()
    if part.is_away:
        part.refuse()
        return False
    began = time.monotonic()
    try:
        task.apply_async(arguments, expires=expires)
    except (OperationalError, OSError) as error:
        part.failed(error, began=began)
        return False
    return True


class _Message(NamedTuple):
    """With the context of its request: its id, and the trace that the task belongs to."""

    task: Task[Any, Any]
    arguments: tuple[Any, ...]
    expires: float
    context: Context


class _Sender:
    """A thread that sends messages one after the other."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._waiting: queue.Queue[_Message | None] = queue.Queue(_MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="messages", daemon=True)
        self._thread.start()

    def put(self, message: _Message) -> None:
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            broker_part().refuse()

    def close(self) -> None:
        """Send what waits, for some seconds at most."""
        if os.getpid() == self.pid and self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join(_FLUSH_SECONDS)

    def _run(self) -> None:
        while (message := self._waiting.get()) is not None:
            try:
                send = partial(enqueue_task, message.task, *message.arguments)
                message.context.run(send, expires=message.expires)
            except Exception:  # nothing may end the thread
                logger.exception("a message was not sent")


_sender_lock = threading.Lock()
_sender: _Sender | None = None


def enqueue_soon(task: Task[Any, Any], *arguments: Any, expires: float = 60.0) -> None:
    """Have the message of a task sent by another thread: nobody waits for the broker.

    What is lost is found by the scheduler.
    """
    if task.app.conf.task_always_eager:
        enqueue_task(task, *arguments, expires=expires)
        return
    _process_sender().put(_Message(task, arguments, expires, copy_context()))


def _process_sender() -> _Sender:
    """Return this process's sender: a fork inherits the object, but not its thread."""
    global _sender  # noqa: PLW0603 (one thread per process)
    with _sender_lock:
        if _sender is None or _sender.pid != os.getpid():
            _sender = _Sender()
            atexit.register(_sender.close)
        return _sender
