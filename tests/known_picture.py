"""The picture of tests that ask nothing of its bytes: a process has the sandbox look at it once.

Most pictures of the suite are this one, and each look costs a process and a decoding. All
else of an upload happens as always: files, hash, pixels, rows and signals.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from unittest import mock

from images import services
from images.formats.facts import Facts
from images.formats.limits import Limits
from images.pixels import Pixels, Shape
from images.sandbox.work import inspect_and_shrink
from tests.pictures import jpeg

# Of a thread, since other threads of a test may upload pictures that nobody knows.
_is_stored: ContextVar[bool] = ContextVar("is_stored", default=False)
_told: dict[tuple[Limits, int | None], tuple[Facts, tuple[Shape, bytes] | None]] = {}


def pixels_of(shape: Shape, samples: bytes) -> Pixels:
    """Return pixels as the sandbox does, whose file somebody has to close."""
    file = TemporaryFile(buffering=0)  # noqa: SIM115 (it stays open)
    file.write(samples)
    return Pixels(shape, file)


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
) -> tuple[Facts, Pixels | None]:
    if not _is_stored.get():
        return inspect_and_shrink(path, limits, height)
    # The sandbox says the same of the same bytes, limits and height; a refusal is never kept.
    if (limits, height) not in _told:
        facts, found = inspect_and_shrink(path, limits, height)
        _told[limits, height] = facts, _read(found) if found else None
    facts, told = _told[limits, height]
    return facts, pixels_of(*told) if told else None


def _read(pixels: Pixels) -> tuple[Shape, bytes]:
    with pixels.file as file:
        return pixels.shape, os.pread(file.fileno(), pixels.shape.bytes, 0)


# For the whole process: it asks the sandbox of whatever else is uploaded.
mock.patch.object(services, "inspect_and_shrink", _inspect_unless_told).start()
