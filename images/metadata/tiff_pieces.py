"""The strips and tiles of a TIFF (TIFF 6.0, sections 3, 15 and 22): what of each is pixels."""

import struct
import zlib

from images.formats.errors import require
from images.formats.tiff_directories import (
    BITS,
    COMPRESSION,
    HEIGHT,
    PHOTOMETRIC,
    PLANAR,
    ROWS_PER_STRIP,
    SAMPLES,
    TILE_HEIGHT,
    TILE_WIDTH,
    WIDTH,
    Directory,
)
from images.metadata.jpeg_data import Segment
from images.metadata.jpeg_segments import read_segments

_NONE, _JPEG, _DEFLATE = 1, 7, frozenset({8, 32946})
_SEPARATE, _YCBCR = 2, 6
_PIECE_BYTES = 1024**2
# Decoders of JPEG in TIFF may need these; any other application segment is metadata.
_APP0, _APP14, _APP15, _COMMENT, _SOS = 0xE0, 0xEE, 0xEF, 0xFE, 0xDA
_JFIF_BYTES, _ADOBE_BYTES = 14, 12
_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"


def wanted_pieces(page: Directory) -> int:
    """Return how many strips or tiles hold all of a page."""
    columns, rows = _piece_size(page)
    require(min(columns, rows) > 0, "sizes")
    across, down = -(-page.number(WIDTH) // columns), -(-page.number(HEIGHT) // rows)
    return across * down * (page.number(SAMPLES, 1) if _is_separate(page) else 1)


def ends_by_itself(page: Directory) -> bool:
    """Tell whether the end of a strip is known without a stated length."""
    return page.number(COMPRESSION, _NONE) in {_NONE, _JPEG, *_DEFLATE}


def strip_piece(page: Directory, number: int, content: bytes) -> bytes:
    """Return what of a strip or tile is pixels, no longer than it was."""
    compression = page.number(COMPRESSION, _NONE)
    if compression == _NONE and page.number(PHOTOMETRIC) != _YCBCR:
        return content[: _bytes_of_piece(page, number)]
    if compression in _DEFLATE:
        return _strip_deflated(content)
    return strip_stream(content) if compression == _JPEG else content


def strip_stream(content: bytes) -> bytes:
    """Return a JPEG stream, or the tables of several, without metadata and what follows its end."""
    require(content[:2] == _SOI, "no start of image")
    pieces = [each.written() for each in map(_strip_segment, read_segments(content)) if each]
    return b"".join([_SOI, *pieces, _EOI])


def _strip_segment(segment: Segment) -> Segment | None:
    if segment.marker == _APP0 and segment.body.startswith(b"JFIF\0"):
        return Segment(_APP0, segment.body[: _JFIF_BYTES - 2] + bytes(2))
    if segment.marker == _APP14 and segment.body.startswith(b"Adobe"):
        return Segment(_APP14, segment.body[:_ADOBE_BYTES])
    is_metadata = segment.marker == _COMMENT or _APP0 <= segment.marker <= _APP15
    return None if is_metadata else segment


def _strip_deflated(content: bytes) -> bytes:
    inflate, pending = zlib.decompressobj(), content
    try:
        while pending and not inflate.eof:
            inflate.decompress(pending, _PIECE_BYTES)
            pending = inflate.unconsumed_tail
    except zlib.error:  # decoders are content with all pixels
        return content
    return content[: len(content) - len(inflate.unused_data)]


def _bytes_of_piece(page: Directory, number: int) -> int:
    columns, rows = _piece_size(page)
    if not page.is_tiled:
        in_plane = number % -(-page.number(HEIGHT) // rows)
        rows = min(rows, page.number(HEIGHT) - in_plane * rows)
    samples = 1 if _is_separate(page) else page.number(SAMPLES, 1)
    return -(-columns * page.number(BITS, 1) * samples // 8) * rows


def _piece_size(page: Directory) -> tuple[int, int]:
    if page.is_tiled:
        return page.number(TILE_WIDTH), page.number(TILE_HEIGHT)
    height = page.number(HEIGHT)
    return page.number(WIDTH), min(page.number(ROWS_PER_STRIP, height), height)


def _is_separate(page: Directory) -> bool:
    return page.number(PLANAR) == _SEPARATE


def packed(order: str, kind: int, values: list[int]) -> bytes:
    """Return numbers as a field of a type (SHORT or LONG) holds them."""
    return struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
