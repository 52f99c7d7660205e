"""The chunks of a PNG (W3C, third edition): those that make the picture stay, all others go."""

import re
import struct
import zlib
from collections.abc import Iterator

from images.formats.errors import require
from images.formats.exif import UPRIGHT, orientation_exif
from images.formats.metadata_groups import MetadataGroup
from images.metadata.dropped import Dropped

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# What decides how the pixels look, or how an animation runs.
_KEPT = frozenset({
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB",
    b"cICP", b"mDCV", b"cLLI", b"bKGD", b"hIST", b"pHYs", b"acTL", b"fcTL", b"fdAT",
})  # fmt: skip
# ImageMagick's way to keep what PNG had no chunk for.
_RAW_PROFILE = re.compile(rb"Raw profile type ([A-Za-z0-9]{1,10})")
_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})


def strip_png(data: bytes, orientation: int, dropped: Dropped) -> Iterator[bytes]:
    """Yield the stripped file piece by piece; raises BrokenStructure or struct.error."""
    require(data.startswith(SIGNATURE), "no signature")
    yield SIGNATURE
    is_oriented, end = orientation == UPRIGHT, len(SIGNATURE)
    for kind, chunk in _chunks(data):
        end += len(chunk)
        if kind == b"IDAT" and not is_oriented:
            is_oriented = True
            yield _chunk(b"eXIf", orientation_exif(orientation))
        if kind in _KEPT:
            yield chunk
        else:
            _note(dropped, kind, chunk[8:-4])
    dropped.add_trailer(data[end:])


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        require(end <= len(data), "a chunk longer than the file")
        yield kind, data[position:end]
        position = end


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
