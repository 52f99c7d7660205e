"""What is no part of a picture, by a reading of the formats as short as it can be."""

import re
import struct
from collections.abc import Iterator

from images.formats.isobmff import boxes
from tests.metadata_inspector import metadata_texts

RUN = 16
# How tables and scans of any JPEG begin, and the EXIF that states nothing but an orientation.
_USUAL = re.compile(rb"\xff[\xc0\xc4\xda\xdb]|Exif\0\0MM\0\*\0\0\0\x08\0\x01")


def runs_of(piece: bytes) -> Iterator[bytes]:
    """Yield runs of it that are in a file by no accident."""
    step = max(RUN, len(piece) // 400)
    for at in range(0, len(piece) - RUN + 1, step):
        run = piece[at : at + RUN]
        if len(set(run)) >= 8 and not _USUAL.search(run):
            yield run


def dropped_of(content: bytes, format_name: str) -> Iterator[bytes]:
    """Yield what a clean copy of a file has to lack."""
    readers = {"JPEG": _of_jpeg, "PNG": _of_png, "WEBP": _of_webp, "AVIF": _of_boxes,
               "HEIC": _of_boxes}  # fmt: skip
    reader = readers.get(format_name)
    if reader:
        try:
            yield from (piece for piece in reader(content) if len(piece) >= RUN)
        except (struct.error, IndexError):  # of what only decoders follow
            return
    else:
        try:
            yield from metadata_texts(content)
        except Exception:  # noqa: BLE001 (the other reader cannot open it)
            return


def _of_jpeg(data: bytes) -> Iterator[bytes]:
    at = 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        body = data[at + 4 : end]
        kept = (b"ICC_PROFILE", b"JFIF", b"Adobe")
        if (0xE0 <= data[at + 1] <= 0xEF or data[at + 1] == 0xFE) and not body.startswith(kept):
            yield body
        at = end


def _of_png(data: bytes) -> Iterator[bytes]:
    kept = {b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB",
            b"cICP", b"bKGD", b"hIST", b"pHYs", b"acTL", b"fcTL", b"fdAT", b"mDCV", b"cLLI",
            b"IEND"}  # fmt: skip
    at, kind = 8, b""
    while kind != b"IEND" and at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind not in kept:
            yield data[at + 8 : at + 8 + length]
        at += 12 + length
    yield data[at:]


def _of_webp(data: bytes) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind in {b"EXIF", b"XMP "}:
            yield data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _of_boxes(data: bytes) -> Iterator[bytes]:
    end = 0
    try:
        for box in boxes(data, 0, len(data)):
            end = box.end
            if box.kind not in {b"ftyp", b"meta", b"mdat", b"moov"}:
                yield data[box.body : box.end]
    except Exception:  # noqa: BLE001 (what follows is no box)
        yield data[end:]
    yield from metadata_texts(data)
