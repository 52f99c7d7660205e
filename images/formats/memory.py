"""A file in memory, as each decoder wants it to be given. Sandbox only.

Nothing is opened: a sandboxed process has no file but the ones that it was handed.
"""

import io
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
