"""A file in memory, as each decoder wants it to be given. Sandbox only.

Nothing is opened: a sandboxed process has no file but the ones that it was handed.
"""

import ctypes
import io
import mmap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyvips
from PIL import Image

from images.formats.scan import Buffer


def vips_source(data: Buffer) -> Any:
    """Return a source of libvips, which reads the bytes where they lie."""
    return pyvips.Source.new_from_memory(data)


def open_header(data: Buffer) -> Any:
    """Return a picture of which libvips has read the header alone."""
    return pyvips.Image.new_from_source(vips_source(data), "")


def open_lines(data: Buffer, **options: Any) -> Any:
    """Return a picture whose lines libvips decodes as they are asked for, from the first on."""
    given = {"access": "sequential", "fail_on": "truncated"} | options
    return pyvips.Image.new_from_source(vips_source(data), "", **given)


@contextmanager
def changed(data: Buffer, changes: Mapping[int, bytes]) -> Iterator[Any]:
    """Yield a file with other bytes at some positions, of which the last ones are its end.

    It is changed where it lies, if it is mapped so that nobody else sees that and there is room in
    its last page: in a sandboxed process every copy is memory that the kernel has to clear. Then
    nobody may read `data` until the block ends.
    """
    length = max(position + len(content) for position, content in changes.items())
    room = -len(data) % mmap.PAGESIZE
    if not isinstance(data, mmap.mmap) or length > len(data) + room or not _is_private(data):
        yield _copied(data, changes)
        return
    first = ctypes.addressof(ctypes.c_char.from_buffer(data))
    file = (ctypes.c_char * length).from_address(first)
    former = {at: ctypes.string_at(first + at, len(each)) for at, each in changes.items()}
    try:
        _change(file, changes)
        yield file
    finally:
        _change(file, former)


def _is_private(data: mmap.mmap) -> bool:
    with memoryview(data) as view:
        return not view.readonly


def _change(file: Any, changes: Mapping[int, bytes]) -> None:
    for at, content in changes.items():
        file[at : at + len(content)] = content


def _copied(data: Buffer, changes: Mapping[int, bytes]) -> bytes:
    """Copy at once, as every copy costs."""
    pieces, position = [], 0
    with memoryview(data) as view:
        for at, content in sorted(changes.items()):
            pieces += [view[position:at], memoryview(content)]
            position = at + len(content)
        return b"".join(pieces)


def open_by_pillow(data: Buffer, format_name: str) -> Image.Image:
    """Return a picture that is decoded when its pixels are asked for."""
    return Image.open(io.BufferedReader(_MemoryFile(data)), formats=[format_name])


class _MemoryFile(io.RawIOBase):
    """Reads bytes where they lie: io.BytesIO would copy them."""

    def __init__(self, data: Buffer) -> None:
        self._view = memoryview(data)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._view)}
        self._position = max(0, start[whence] + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        piece = self._view[self._position : self._position + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
