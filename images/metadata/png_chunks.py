"""The chunks of a PNG (W3C, third edition): those that make the picture stay, all others go."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from images.formats.errors import require
from images.formats.exif import UPRIGHT, orientation_exif
from images.formats.metadata_groups import MetadataGroup
from images.metadata.dropped import UNUSED_BYTES, Dropped
from images.metadata.icc_profiles import strip_profile
from images.metadata.png_pixels import Raster, strip_pixels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What decides how the pixels look, or how an animation runs, with the most bytes that it may have.
_SINGLE = {
    b"PLTE": 768, b"tRNS": 256, b"cHRM": 32, b"gAMA": 4, b"sBIT": 4, b"sRGB": 1, b"cICP": 4,
    b"mDCV": 24, b"cLLI": 8, b"bKGD": 6, b"hIST": 512, b"pHYs": 9, b"acTL": 8,
}  # fmt: skip
_MAX_PROFILE_BYTES = 16 * 1024**2
_ZLIB_HEADER_BYTES, _CHECKSUM_BYTES = 2, 4
# Names that encoders give a profile by themselves.
_USUAL_NAMES = frozenset({
    b"icc", b"ICC", b"ICC Profile", b"ICC profile", b"Photoshop ICC profile", b"sRGB",
    b"sRGB IEC61966-2.1", b"kCGColorSpaceSRGB", b"Display P3", b"kCGColorSpaceDisplayP3",
    b"kCGColorSpaceGenericRGB", b"1", b"Skia",
})  # fmt: skip
_NAME = b"ICC profile"
# ImageMagick's way to keep what PNG had no chunk for.
_RAW_PROFILE = re.compile(rb"Raw profile type ([A-Za-z0-9]{1,10})")
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})


_CONTROL_BYTES = 26
_Chunk = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Compressed pixels: of the picture itself, or of a frame of an animation."""

    raster: Raster
    kind: bytes
    parts: list[bytes]


def strip_png(data: bytes, orientation: int, dropped: Dropped) -> Iterator[bytes]:
    """Yield the stripped file in pieces; raises BrokenStructure, struct.error or zlib.error."""
    require(data.startswith(SIGNATURE), "no signature")
    chunks, end = _read_chunks(data)
    dropped.add_trailer(data[end:])
    yield SIGNATURE
    numbers = iter(range(len(chunks) + 1))
    exif = b"" if orientation == UPRIGHT else _chunk(b"eXIf", orientation_exif(orientation))
    for piece in _strip_chunks(chunks, dropped):
        if isinstance(piece, _Frame):
            if piece.kind == b"IDAT":
                yield exif
            yield from _pixels(piece, numbers, dropped)
        elif piece[0] == b"fcTL":
            yield _chunk(b"fcTL", struct.pack(">I", next(numbers)) + piece[1][4:])
        else:
            yield _chunk(*piece)
    yield _chunk(b"IEND", b"")


def _read_chunks(data: bytes) -> tuple[list[_Chunk], int]:
    """Return the chunks before the end, and where that is: it may be missing, or be cut short."""
    found: list[_Chunk] = []
    position = len(SIGNATURE)
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IEND":
            return found, min(position + 12 + length, len(data)) if length else position + 12
        end = position + 12 + length
        if end > len(data):
            break
        found.append((kind, data[position + 8 : end - 4]))
        position = end
    return found, position


def _strip_chunks(chunks: list[_Chunk], dropped: Dropped) -> Iterator[_Chunk | _Frame]:
    """Yield what stays: chunks, and the pixels of each frame as one."""
    first = next((body for kind, body in chunks if kind == b"IHDR"), b"")
    header = raster = Raster.of(first)
    yield b"IHDR", first[:13]
    seen = {b"IHDR"}
    for kind, group in groupby(chunks, key=itemgetter(0)):
        bodies = [body for _, body in group]
        if kind == b"IDAT" and kind not in seen:
            # Programs differ in whether anything may lie between its parts.
            yield _Frame(header, kind, [body for each, body in chunks if each == kind])
        elif kind == b"fdAT" and b"IDAT" in seen:
            yield _Frame(raster, kind, [body[4:] for body in bodies])
        elif kind == b"fcTL" and len(bodies[-1]) == _CONTROL_BYTES:
            raster = header.resized(*struct.unpack_from(">II", bodies[-1], 4))
            yield kind, bodies[-1]
        elif kind not in {b"IDAT", b"IHDR"}:
            yield from _strip_others(kind, bodies, dropped, is_first=kind not in seen)
        seen.add(kind)
    require(b"IDAT" in seen, "no pixels")


def _strip_others(
    kind: bytes, bodies: list[bytes], dropped: Dropped, *, is_first: bool
) -> Iterator[_Chunk]:
    """Yield the first chunk of a kind that stays, and note the others."""
    stripped = _strip_single(kind, bodies[0], dropped) if is_first else b""
    if stripped:
        yield kind, stripped
    for body in bodies[bool(stripped) :]:
        _note(dropped, kind, body)


def _strip_single(kind: bytes, body: bytes, dropped: Dropped) -> bytes:
    """Return what stays of a chunk that a file has once; b"" of one that goes altogether."""
    if kind == b"iCCP":
        return _strip_named_profile(body, dropped)
    return body if len(body) <= _SINGLE.get(kind, -1) else b""


def _strip_named_profile(body: bytes, dropped: Dropped) -> bytes:
    name, _, rest = body.partition(b"\0")
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        # Not by its header: of a wrong checksum decoders think nothing.
        profile = inflate.decompress(rest[1 + _ZLIB_HEADER_BYTES :], _MAX_PROFILE_BYTES)
    except zlib.error:
        return b""
    stripped = strip_profile(profile)
    if not stripped:
        return b""
    is_bounded = inflate.eof and len(inflate.unused_data) == _CHECKSUM_BYTES
    if stripped == profile and name in _USUAL_NAMES and is_bounded:
        return body
    dropped.add(MetadataGroup.PROFILE, "what colour does not need")
    usual = name if name in _USUAL_NAMES else _NAME
    return usual + b"\0\0" + zlib.compress(stripped, 9)


def _pixels(frame: _Frame, numbers: Iterator[int], dropped: Dropped) -> Iterator[bytes]:
    """Yield a frame's chunks: of the same lengths where nothing was left out."""
    stripped = strip_pixels(frame.parts, frame.raster)
    if stripped != frame.parts:
        dropped.add(MetadataGroup.OTHER, UNUSED_BYTES)
    for part in stripped:
        number = struct.pack(">I", next(numbers)) if frame.kind == b"fdAT" else b""
        yield _chunk(frame.kind, number + part)


def _note(dropped: Dropped, kind: bytes, body: bytes) -> None:
    keyword, _, text = body.partition(b"\0")
    if kind == b"eXIf":
        dropped.add_exif(body)
    elif kind == b"iTXt" and keyword == b"XML:com.adobe.xmp":
        dropped.add_xmp(text)
    elif kind in _TEXTS and (profile := _RAW_PROFILE.fullmatch(keyword)):
        dropped.add_raw_profile(profile[1].decode(), body[len(keyword) + 1 :], kind != b"tEXt")
    elif kind in _TEXTS:
        dropped.add(MetadataGroup.TEXT, keyword.decode("latin-1"))
    elif kind == b"tIME":
        dropped.add(MetadataGroup.TEXT, "time of the last change")
    else:
        dropped.add(MetadataGroup.OTHER, f"{kind.decode('latin-1')} chunk")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
