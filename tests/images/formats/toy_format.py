"""A toy format: PPM (netpbm.sourceforge.net/doc/ppm.html), eight bits a colour.

Its comments are its metadata. This is all that a new format needs, beside its record.
"""

import re
from collections.abc import Iterable
from typing import Any

import pyvips

from images.formats.codec import Codec
from images.formats.errors import require
from images.formats.facts import Facts, facts_of
from images.formats.limits import Limits, refuse_size
from images.formats.metadata_groups import MetadataGroup
from images.formats.registry import Format
from images.formats.scan import Buffer
from images.metadata.dropped import Dropped

_HEADER = re.compile(rb"P6\n((?:#.*\n)*)(\d+) (\d+)\n255\n")


class PpmCodec(Codec):
    """Reads, checks and strips the format without a decoder."""

    def matches(self, head: bytes) -> bool:
        return head.startswith(b"P6\n")

    def describe(self, data: Buffer, limits: Limits) -> Facts:
        width, height, _ = _read_header(data)
        refuse_size(width, height, 1, limits)
        return facts_of(self.format, (width, height))

    def verify(self, data: Buffer, facts: Facts) -> None:
        _read_pixels(data)

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        width, height, pixels = _read_pixels(data)
        if b"#" in data[: -len(pixels)]:
            dropped.add(MetadataGroup.TEXT, "comment")
        yield b"P6\n%d %d\n255\n" % (width, height)
        yield pixels

    def open(self, data: Buffer) -> Any:
        width, height, pixels = _read_pixels(data)
        image = pyvips.Image.new_from_memory(pixels, width, height, 3, "uchar")
        return image.copy(interpretation="srgb")


def _read_header(data: Buffer) -> tuple[int, int, int]:
    """Return the width, the height, and where the pixels begin."""
    found = _HEADER.match(data)
    require(found is not None, "no header")
    assert found
    return int(found[2]), int(found[3]), found.end()


def _read_pixels(data: Buffer) -> tuple[int, int, bytes]:
    width, height, start = _read_header(data)
    pixels = data[start : start + 3 * width * height]
    require(len(pixels) == 3 * width * height, "pixels are missing")
    return width, height, pixels


PPM = Format("PPM", "ppm", "image/x-portable-pixmap", "tests.images.formats.toy_format.PpmCodec")
