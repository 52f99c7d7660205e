"""The chunks of a WebP (RFC 9649); an animation's frames are chunks within chunks."""

import struct
from collections.abc import Iterator

from images.formats.errors import require
from images.formats.exif import UPRIGHT, orientation_exif
from images.formats.metadata_groups import MetadataGroup
from images.metadata.dropped import Dropped

_PIXELS = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_KEPT = _PIXELS | {b"VP8X", b"ICCP", b"ANIM", b"ANMF"}
_HAS_EXIF, _HAS_XMP = 0x08, 0x04
_FRAME_HEADER = 16


def strip_webp(data: bytes, orientation: int, dropped: Dropped) -> Iterator[bytes]:
    """Yield the stripped file; raises BrokenStructure or struct.error."""
    require(data[:4] == b"RIFF" and data[8:12] == b"WEBP", "no RIFF header")
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    require(end <= len(data), "a file shorter than its header says")
    body = b"".join(_kept_chunks(data[:end], orientation, dropped))
    dropped.add_trailer(data[end:])
    if orientation != UPRIGHT:
        body += _chunk(b"EXIF", orientation_exif(orientation))
    yield b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _kept_chunks(data: bytes, orientation: int, dropped: Dropped) -> Iterator[bytes]:
    for kind, body in _chunks(data, 12):
        if kind == b"VP8X":
            flags = body[0] & ~(_HAS_EXIF | _HAS_XMP)
            flags |= 0 if orientation == UPRIGHT else _HAS_EXIF
            yield _chunk(kind, bytes([flags]) + body[1:])
        elif kind == b"ANMF":
            frame = b"".join(_kept_frame_chunks(body, dropped))
            yield _chunk(kind, body[:_FRAME_HEADER] + frame)
        elif kind in _KEPT:
            yield _chunk(kind, body)
        else:
            _note(dropped, kind, body)


def _kept_frame_chunks(frame: bytes, dropped: Dropped) -> Iterator[bytes]:
    for kind, body in _chunks(frame, _FRAME_HEADER):
        if kind in _PIXELS:
            yield _chunk(kind, body)
        else:
            _note(dropped, kind, body)


def _note(dropped: Dropped, kind: bytes, body: bytes) -> None:
    if kind == b"EXIF":
        dropped.add_exif(body)
    elif kind == b"XMP ":
        dropped.add_xmp(body)
    else:
        dropped.add(MetadataGroup.OTHER, f"{kind.decode('latin-1')} chunk")


def _chunks(data: bytes, position: int) -> Iterator[tuple[bytes, bytes]]:
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        start = position + 8
        require(start + length <= len(data), "a chunk longer than the file")
        yield kind, data[start : start + length]
        position = start + length + length % 2


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
