"""The fields of a TIFF: what makes the pixels is copied to the same places of an empty file.

Every byte that no kept field, strip or tile uses is zero, so that nothing unknown can stay.
"""

import struct
from itertools import chain

from images.formats.errors import require
from images.formats.exif import UPRIGHT, valid_orientation
from images.formats.metadata_groups import MetadataGroup
from images.formats.scan import EOI, jpeg_markers
from images.formats.tiff_directories import (
    COMPRESSION,
    JPEG_TABLES,
    ORIENTATION,
    Directory,
    Field,
    directories,
)
from images.metadata.dropped import Dropped

# How pixels are stored, coloured and turned (TIFF 6.0); names, dates, texts, previews and every
# private field go. 34675 is the colour profile.
_KEPT = frozenset({
    254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284,
    290, 291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 332, 334, 336,
    338, 339, 340, 341, 347, 529, 530, 531, 532, 34675,
})  # fmt: skip
_ASCII, _SHORT = 2, 3
_OLD_JPEG, _JPEG = 6, 7
# Decoders of JPEG in TIFF need the first two; any other application segment is metadata.
_APP0, _APP14, _APP15, _COMMENT = 0xE0, 0xEE, 0xEF, 0xFE


def strip_tiff(data: bytes, dropped: Dropped) -> bytes:
    """Return the stripped file; raises BrokenStructure."""
    found = list(directories(data))
    pages = [each for n, each in enumerate(found) if n == 0 or not each.is_preview]
    require(bool(pages), "no page")
    if len(pages) < len(found):
        dropped.add(MetadataGroup.PREVIEW, "page of a smaller size")
    for page in found:
        _note(dropped, data, page)
    result = bytearray(len(data))
    result[:4] = data[:4]
    _write(result, pages[0].order, 4, pages[0].start)
    ends = [_copy_page(data, result, page) for page in pages]
    starts = [*(page.start for page in pages[1:]), 0]
    for page, following in zip(pages, starts, strict=True):
        _write(result, page.order, page.start + 2 + 12 * len(_kept_fields(page)), following)
    return bytes(result[: max(ends)])


def _kept_fields(page: Directory) -> list[Field]:
    fields = (page.fields[tag] for tag in page.fields if tag in _KEPT)
    return [field for field in fields if field.kind != _ASCII and not _is_unread(field)]


def _is_unread(field: Field) -> bool:
    """Tell whether it is an orientation that nobody reads."""
    return field.tag == ORIENTATION and not (field.is_number and field.count)


def _note(dropped: Dropped, data: bytes, page: Directory) -> None:
    kept = {field.tag for field in _kept_fields(page)}
    fields = {each.tag: (each.start, each.end) for each in page.fields.values()}
    left = {tag: span for tag, span in fields.items() if tag not in kept}
    dropped.add_tiff_fields(data, page.order, left)


def _copy_page(data: bytes, result: bytearray, page: Directory) -> int:
    """Copy a page's fields and pixels; return where the last of them ends."""
    require(page.number(COMPRESSION, 1) != _OLD_JPEG, "pixels that fields point into")
    kept, pieces = _kept_fields(page), page.pieces()
    is_bounded = page.number(COMPRESSION, 1) == 1 or page.states_lengths
    require(is_bounded, "strips whose end is not known")
    if page.number(COMPRESSION, 1) == _JPEG:
        _refuse_metadata_in(data, page, pieces)
    count = len(kept).to_bytes(2, "little" if page.order == "<" else "big")
    result[page.start : page.start + 2] = count
    for place, field in enumerate(kept):
        at = page.start + 2 + 12 * place
        result[at : at + 12] = _entry(data, page, field)
    out_of_line = [(f.start, f.end) for f in kept if f.is_out_of_line and f.tag != ORIENTATION]
    for start, end in chain(out_of_line, pieces):
        require(end <= len(data), "a field past the end")
        result[start:end] = data[start:end]
    return max(page.start + 6 + 12 * len(kept), *(end for _, end in chain(out_of_line, pieces)))


def _entry(data: bytes, page: Directory, field: Field) -> bytes:
    """Return a field's entry; the orientation as everybody reads it, a single SHORT."""
    if field.tag != ORIENTATION:
        return data[field.entry_at : field.entry_at + 12]
    value = valid_orientation(page.number(ORIENTATION, UPRIGHT))
    return struct.pack(f"{page.order}HHIHH", ORIENTATION, _SHORT, 1, value, 0)


def _refuse_metadata_in(data: bytes, page: Directory, pieces: list[tuple[int, int]]) -> None:
    """Raise BrokenStructure when a strip's JPEG stream holds more than pixels."""
    tables = page.fields.get(JPEG_TABLES)
    for start, end in chain(pieces, [(tables.start, tables.end)] if tables else []):
        stream, last = data[start:end], 2
        for marker, position in jpeg_markers(stream):
            is_application = _APP0 <= marker <= _APP15 and marker not in {_APP0, _APP14}
            require(marker != _COMMENT and not is_application, "metadata in a strip")
            last = position if marker == EOI else 0
        require(not last or not stream[last:].strip(b"\0"), "something after a strip")


def _write(result: bytearray, order: str, at: int, value: int) -> None:
    result[at : at + 4] = value.to_bytes(4, "little" if order == "<" else "big")
