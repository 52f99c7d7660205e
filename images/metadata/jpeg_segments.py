"""The segments of a JPEG (ITU-T T.81, annex B); entropy-coded data passes untouched."""

import re
import struct
from collections.abc import Iterator

from images.formats.errors import require
from images.formats.exif import UPRIGHT, orientation_exif
from images.formats.metadata_groups import MetadataGroup
from images.metadata.dropped import Dropped

_SOI, _EOI, _SOS, _COM = 0xD8, 0xD9, 0xDA, 0xFE
_APP0, _APP1, _APP2, _APP13, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# A JFIF header with the size of its thumbnail, which is dropped and set to 0×0.
_JFIF_BYTES = 14


def strip_jpeg(data: bytes, orientation: int, dropped: Dropped) -> Iterator[bytes]:
    """Yield the stripped file in pieces; raises BrokenStructure, IndexError or struct.error."""
    require(data[:2] == b"\xff\xd8", "no start of image")
    yield data[:2]
    is_oriented, end = orientation == UPRIGHT, 2
    for marker, segment in _segments(data):
        end += len(segment)
        # EXIF comes first, but a JFIF header is one only before it.
        if not is_oriented and marker != _APP0:
            is_oriented = True
            yield _exif_segment(orientation)
        stripped = _strip_segment(marker, segment)
        if stripped != segment:
            _note(dropped, marker, segment.lstrip(b"\xff")[3:])
        yield stripped
    dropped.add_trailer(data[end:])


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each marker with its whole segment, entropy-coded data included, to the end marker."""
    position = 2
    while True:
        require(data[position] == 0xFF, "no marker where one must be")
        start = position
        while data[position + 1] == 0xFF:
            position += 1
        marker = data[position + 1]
        end = position + 2 if marker == _EOI else _end_of_segment(data, position + 2)
        if marker == _SOS:
            found = _END_OF_SCAN.search(data, end)
            require(found is not None, "a scan without end")
            end = found.start() if found else end
        yield marker, data[start:end]
        if marker == _EOI:
            return
        position = end


def _end_of_segment(data: bytes, position: int) -> int:
    length = int(struct.unpack_from(">H", data, position)[0])
    require(length >= 2 and position + length <= len(data), "a segment longer than the file")
    return position + length


def _strip_segment(marker: int, segment: bytes) -> bytes:
    """Return a segment, nothing, or a JFIF header without its preview."""
    if marker == _COM:
        return b""
    if not _APP0 <= marker <= _APP15:
        return segment
    body = segment.lstrip(b"\xff")[3:]
    if marker == _APP0 and body.startswith(b"JFIF\0") and len(body) >= _JFIF_BYTES:
        return b"\xff\xe0" + struct.pack(">H", _JFIF_BYTES + 2) + body[:12] + b"\0\0"
    is_profile = marker == _APP2 and body.startswith(b"ICC_PROFILE\0")
    is_adobe = marker == _APP14 and body.startswith(b"Adobe")
    return segment if is_profile or is_adobe else b""


def _note(dropped: Dropped, marker: int, body: bytes) -> None:
    name, _, rest = body.partition(b"\0")
    if marker == _COM:
        dropped.add(MetadataGroup.TEXT, "comment")
    elif marker == _APP1 and name == b"Exif":
        dropped.add_exif(body)
    elif marker == _APP1 and name.startswith(b"http://ns.adobe.com/"):
        dropped.add_xmp(rest)
    elif marker == _APP13 and name.startswith(b"Photoshop"):
        dropped.add_photoshop(rest)
    elif marker == _APP2 and name == b"MPF":
        dropped.add(MetadataGroup.PICTURE, "index of further pictures (MPF)")
    elif marker == _APP0:
        dropped.add(MetadataGroup.PREVIEW, f"{name[:4].decode(errors='replace')} thumbnail")
    else:
        named = name[:20].decode(errors="replace")
        dropped.add(MetadataGroup.OTHER, f"application segment {marker - _APP0} {named}")


def _exif_segment(orientation: int) -> bytes:
    body = b"Exif\0\0" + orientation_exif(orientation)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
