"""The chunks of a WebP (RFC 9649); an animation's frames are chunks within chunks."""

import struct
from collections.abc import Iterator

from images.formats.errors import require
from images.formats.exif import UPRIGHT, orientation_exif

_PIXELS = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_KEPT = _PIXELS | {b"VP8X", b"ICCP", b"ANIM", b"ANMF"}
_HAS_EXIF, _HAS_XMP = 0x08, 0x04
_FRAME_HEADER = 16


def strip_webp(data: bytes, orientation: int) -> Iterator[bytes]:
    """Yield the stripped file; raises BrokenStructure or struct.error."""
    require(data[:4] == b"RIFF" and data[8:12] == b"WEBP", "no RIFF header")
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    require(end <= len(data), "a file shorter than its header says")
    body = b"".join(_kept_chunks(data[:end], orientation))
    if orientation != UPRIGHT:
        body += _chunk(b"EXIF", orientation_exif(orientation))
    yield b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _kept_chunks(data: bytes, orientation: int) -> Iterator[bytes]:
    for kind, body in _chunks(data, 12):
        if kind == b"VP8X":
            flags = body[0] & ~(_HAS_EXIF | _HAS_XMP)
            flags |= 0 if orientation == UPRIGHT else _HAS_EXIF
            yield _chunk(kind, bytes([flags]) + body[1:])
        elif kind == b"ANMF":
            frame = (_chunk(*each) for each in _chunks(body, _FRAME_HEADER) if each[0] in _PIXELS)
            yield _chunk(kind, body[:_FRAME_HEADER] + b"".join(frame))
        elif kind in _KEPT:
            yield _chunk(kind, body)


def _chunks(data: bytes, position: int) -> Iterator[tuple[bytes, bytes]]:
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        start = position + 8
        require(start + length <= len(data), "a chunk longer than the file")
        yield kind, data[start : start + length]
        position = start + length + length % 2


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
