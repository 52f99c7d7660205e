"""The chunks of a PNG (W3C, third edition): those that make the picture stay, all others go."""

import struct
import zlib
from collections.abc import Iterator

from images.formats.errors import require
from images.formats.exif import UPRIGHT, orientation_exif

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What decides how the pixels look, or how an animation runs.
_KEPT = frozenset({
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB",
    b"cICP", b"mDCV", b"cLLI", b"bKGD", b"hIST", b"pHYs", b"acTL", b"fcTL", b"fdAT",
})  # fmt: skip


def strip_png(data: bytes, orientation: int) -> Iterator[bytes]:
    """Yield the stripped file piece by piece; raises BrokenStructure or struct.error."""
    require(data.startswith(SIGNATURE), "no signature")
    yield SIGNATURE
    is_oriented = orientation == UPRIGHT
    for kind, chunk in _chunks(data):
        if kind == b"IDAT" and not is_oriented:
            is_oriented = True
            yield _chunk(b"eXIf", orientation_exif(orientation))
        if kind in _KEPT:
            yield chunk


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        require(end <= len(data), "a chunk longer than the file")
        yield kind, data[position:end]
        position = end


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
