"""New before old: within a worker, backfills wait while uploads' own thumbnails are rendered."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


class _Uploads:
    changed = threading.Condition()
    running = 0


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
            _Uploads.changed.notify_all()


def wait_for_uploads(seconds: float) -> None:
    """Wait until no upload's thumbnails are rendered here, at most so long.

    So that a service that never rests goes on with its backfills nevertheless.
    """
    with _Uploads.changed:
        _Uploads.changed.wait_for(lambda: not _Uploads.running, seconds)


def backfill_threads() -> int:
    """Return how many pictures of backfills a process renders at once: one decoder stays free."""
    return max(1, settings.DECODING_PROCESSES - 1)
