"""The pool of sandboxed processes, and the one function that runs work in it.

The processes are started at first use and used again; each is replaced after some pictures, when it
dies, and when it takes too long. A picture that kills its process costs that process alone.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from multiprocessing.util import Finalize
from typing import ParamSpec, TypeVar

from django.conf import settings
from pebble import ProcessExpired, ProcessPool

from images.exceptions import PictureTooCostly
from images.sandbox.confine import confine, run_with_cpu_limit
from images.sandbox.work_dir import sweep_work_dir_if_due, work_dir
from lib.request_id import current_request_id

TIMEOUT_SECONDS = 20
# Whatever a decoder leaks is given back after so many pictures.
MAX_PICTURES_PER_PROCESS = 200
_STOP_TIMEOUT_SECONDS = 5
Params = ParamSpec("Params")
Result = TypeVar("Result")


def run_sandboxed(
    work: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs
) -> Result:
    """Call a function in a sandboxed process; the paths it is given must lie in `work_dir()`.

    The function, its arguments, its result and what it raises are pickled: their modules are
    imported on both sides, so none of them may import a decoder when it is imported.

    Raises what the function raises, and PictureTooCostly when the process died or took too long.
    """
    sweep_work_dir_if_due()
    call = (current_request_id(), work, args, kwargs)
    future = _pool().schedule(run_with_cpu_limit, args=call, timeout=TIMEOUT_SECONDS)
    try:
        result: Result = future.result()
    except (ProcessExpired, FutureTimeout, MemoryError) as error:
        raise PictureTooCostly("The picture is too costly to decode.") from error
    return result


class _Pools:
    """The pool of each process, since a forked child must not use its parent's."""

    lock = threading.Lock()
    by_pid: dict[int, ProcessPool] = {}


def _pool() -> ProcessPool:
    with _Pools.lock:
        pool = _Pools.by_pid.get(os.getpid())
        if pool is None or not pool.active:
            pool = _Pools.by_pid[os.getpid()] = _start_pool()
        return pool


def _start_pool() -> ProcessPool:
    pool = ProcessPool(
        max_workers=settings.DECODING_PROCESSES,
        max_tasks=MAX_PICTURES_PER_PROCESS,
        initializer=confine,
        initargs=(str(work_dir()), settings.CONFINED_MODULES, settings.LOGGING),
        # Spawned, not forked: no lock, socket or secret of this process comes along.
        context=multiprocessing.get_context("spawn"),
    )
    # A process of multiprocessing's (granian's workers are) joins its children before `atexit`
    # ends them, and these would never end by themselves.
    Finalize(None, _stop_pool, args=(pool,), exitpriority=10)
    return pool


def _stop_pool(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble leaves it untyped
    with suppress(FutureTimeout):
        pool.join(_STOP_TIMEOUT_SECONDS)
