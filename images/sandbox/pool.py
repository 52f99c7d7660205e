"""Strangers' pictures are decoded here and nowhere else: in processes that can lose nothing.

A few are started ahead and used again; each is replaced after some pictures, when it dies, and
when it takes too long. A picture that kills its process is refused and nothing else notices.
"""

import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import suppress
from multiprocessing.util import Finalize
from pathlib import Path
from typing import ParamSpec, TypeVar

from django.conf import settings
from pebble import ProcessExpired, ProcessPool

from images.sandbox.confine import confine, timed
from images.sandbox.work_dir import tidy_now_and_then
from lib.request_id import current_id

WALL_SECONDS = 20
# Whatever a decoder leaks is given back after so many pictures.
PICTURES_EACH = 200
_END_SECONDS = 5
Given = ParamSpec("Given")
Made = TypeVar("Made")


class PictureKilledDecoder(Exception):
    """A picture made its decoding process die or run out of time."""


def confined(work: Callable[Given, Made], *args: Given.args, **kwargs: Given.kwargs) -> Made:
    """Run a pure function in a confined process; its paths must lie in `work_folder()`.

    Raises what the function raises, and PictureKilledDecoder.
    """
    tidy_now_and_then(work_folder())
    given = (current_id(), work, args, kwargs)
    future = _pool().schedule(timed, args=given, timeout=WALL_SECONDS)
    try:
        result: Made = future.result()
    except (ProcessExpired, TookTooLong, MemoryError) as error:
        raise PictureKilledDecoder("The picture is too costly to decode.") from error
    return result


def work_folder() -> Path:
    """Return the folder that confined processes can see."""
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def start() -> None:
    """Start the processes ahead of the first picture."""
    _pool()


class _Pools:
    """The pool of this process; a forked child must not use its parent's."""

    lock = threading.Lock()
    by_process: dict[int, ProcessPool] = {}


def _pool() -> ProcessPool:
    with _Pools.lock:
        pool = _Pools.by_process.get(os.getpid())
        if pool is None or not pool.active:
            pool = _Pools.by_process[os.getpid()] = _started()
        return pool


def _started() -> ProcessPool:
    """Spawned, not forked: no lock, socket or secret of this process comes along."""
    pool = ProcessPool(
        max_workers=settings.DECODING_PROCESSES,
        max_tasks=PICTURES_EACH,
        initializer=confine,
        initargs=(str(work_folder()), settings.CONFINED_MODULES, settings.LOGGING),
        context=multiprocessing.get_context("spawn"),
    )
    # A process of multiprocessing's (granian's workers are) joins its children before `atexit`
    # ends them, and these would never end by themselves.
    Finalize(None, _end, args=(pool,), exitpriority=10)
    return pool


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble leaves it untyped
    with suppress(TookTooLong):
        pool.join(_END_SECONDS)


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for one picture's work, which goes afterwards."""
    return tempfile.TemporaryDirectory(dir=work_folder())
