"""New before old: within a worker, all else waits while uploads' own thumbnails are rendered."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


class _Uploads:
    changed = threading.Condition()
    running = 0
    ended_at = 0.0
    # Pictures that are rendered behind them.
    behind = 0


@contextmanager
def upload_first() -> Iterator[None]:
    """Keep backfills from beginning another picture while the block runs."""
    with _Uploads.changed:
        _Uploads.running += 1
    try:
        yield
    finally:
        with _Uploads.changed:
            _Uploads.running -= 1
            _Uploads.ended_at = time.monotonic()
            _Uploads.changed.notify_all()


def wait_for_rest(patience: float, rest: float) -> bool:
    """Wait until no upload's thumbnails have been rendered here for `rest` seconds.

    Return False where it did not come to that within `patience` seconds.
    """
    end = time.monotonic() + patience
    with _Uploads.changed:
        while (wait := _seconds_to_rest(rest, end)) > 0:
            _Uploads.changed.wait(wait)
        return _is_rest(rest)


@contextmanager
def behind_uploads(patience: float) -> Iterator[None]:
    """Begin the block when no upload's thumbnails are rendered here.

    After `patience` seconds it begins nevertheless, so that a service that never rests goes on with
    what is behind; but never in more than `backfill_threads()` at once.
    """
    wait_for_rest(patience, 0)
    with _Uploads.changed:
        _Uploads.changed.wait_for(lambda: _Uploads.behind < backfill_threads())
        _Uploads.behind += 1
    try:
        yield
    finally:
        with _Uploads.changed:
            _Uploads.behind -= 1
            _Uploads.changed.notify_all()


def _is_rest(rest: float) -> bool:
    return not _Uploads.running and _Uploads.ended_at + rest <= time.monotonic()


def _seconds_to_rest(rest: float, end: float) -> float:
    """Return how long to wait before looking again; 0 for no longer."""
    now = time.monotonic()
    if _Uploads.running:
        return end - now
    return min(end, _Uploads.ended_at + rest) - now


def backfill_threads() -> int:
    """Return how many pictures of backfills a process renders at once: one decoder stays free."""
    return max(1, settings.DECODING_PROCESSES - 1)
