"""The picture of tests that ask nothing of its bytes: a process has the sandbox look at it once.

Most pictures of the suite are this one, and each look costs a process and a decoding. All
else of an upload happens as always: files, hash, pixels, rows and signals.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from unittest import mock

from images import services
from images.formats.facts import Facts
from images.formats.limits import Limits
from images.pixels import Shape
from images.sandbox.work import inspect_and_shrink
from tests.pictures import jpeg

# Of a thread, since other threads of a test may upload pictures that nobody knows.
_is_stored: ContextVar[bool] = ContextVar("is_stored", default=False)
_told: dict[tuple[Limits, int | None], tuple[Facts, tuple[Shape, bytes] | None]] = {}


@cache
def known_picture() -> bytes:
    return jpeg(60, 40)


@contextmanager
def storing_known_picture() -> Iterator[None]:
    """Where `create_picture` is given the known picture, spare the sandbox what it has told."""
    token = _is_stored.set(True)
    try:
        yield
    finally:
        _is_stored.reset(token)


def _inspect_unless_told(
    path: Path, limits: Limits, height: int | None
) -> tuple[Facts, tuple[Shape, bytes] | None]:
    if not _is_stored.get():
        return inspect_and_shrink(path, limits, height)
    # The sandbox says the same of the same bytes, limits and height; a refusal is never kept.
    if (limits, height) not in _told:
        _told[limits, height] = inspect_and_shrink(path, limits, height)
    return _told[limits, height]


# For the whole process: it asks the sandbox of whatever else is uploaded.
mock.patch.object(services, "inspect_and_shrink", _inspect_unless_told).start()
