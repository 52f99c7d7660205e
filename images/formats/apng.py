"""The first frame of an APNG whose default picture is hidden (PNG, third edition, section 12)."""

import struct
import zlib

import pyvips

from images.formats.memory import vips_source
from images.formats.scan import Buffer, png_chunks

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NOT_SHARED = frozenset({b"IHDR", b"acTL", b"fcTL", b"fdAT", b"IDAT", b"IEND"})


def first_frame(data: Buffer) -> Buffer:
    """Return the file itself, or a PNG of what browsers show first of it."""
    chunks = list(png_chunks(data))
    kinds = [kind for kind, *_ in chunks]
    if b"fcTL" not in kinds or b"IDAT" not in kinds:
        return data
    controls = [at for at, kind in enumerate(kinds) if kind == b"fcTL"]
    default = kinds.index(b"IDAT")
    if controls[0] < default:
        return data
    shared = [
        _chunk(kind, data[start:end])
        for kind, start, end in chunks[:default]
        if kind not in _NOT_SHARED
    ]
    frame = struct.unpack_from(">IIII", data, chunks[controls[0]][1] + 4)
    own = chunks[controls[0] : (controls[1:] or [len(chunks)])[0]]
    pixels = b"".join(data[start + 4 : end] for kind, start, end in own if kind == b"fdAT")
    width, height, left, top = frame
    header = struct.pack(">II", width, height) + data[24:29]
    parts = [_chunk(b"IHDR", header), *shared, _chunk(b"IDAT", pixels), _chunk(b"IEND", b"")]
    alone = _SIGNATURE + b"".join(parts)
    screen = struct.unpack_from(">II", data, 16)
    if (left, top, width, height) == (0, 0, *screen):
        return alone
    return _place(alone, left, top, screen)


def _place(frame: bytes, left: int, top: int, screen: tuple[int, int]) -> bytes:
    """Return a frame on a transparent screen."""
    image = pyvips.Image.pngload_source(vips_source(frame))
    if not image.hasalpha():
        image = image.addalpha()
    return bytes(image.embed(left, top, *screen, background=[0]).pngsave_buffer(compression=1))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
