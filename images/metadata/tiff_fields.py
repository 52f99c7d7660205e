"""The fields of a TIFF: what makes the pixels is copied to the same places of an empty file.

Every byte that no kept field, strip or tile uses is zero, so that nothing unknown can stay.
"""

import struct
from dataclasses import dataclass, replace

from images.formats.errors import require
from images.formats.exif import UPRIGHT, valid_orientation
from images.formats.metadata_groups import MetadataGroup
from images.formats.tiff_directories import (
    COMPRESSION,
    JPEG_TABLES,
    ORIENTATION,
    STRIP_BYTES,
    STRIP_OFFSETS,
    TILE_BYTES,
    TILE_OFFSETS,
    Directory,
    Field,
    directories,
)
from images.metadata.dropped import Dropped
from images.metadata.icc_profiles import strip_profile
from images.metadata.kept_bytes import KeptBytes
from images.metadata.tiff_pieces import (
    ends_by_itself,
    packed,
    strip_piece,
    strip_stream,
    wanted_pieces,
)

# How pixels are stored, coloured and turned (TIFF 6.0); names, dates, texts, previews and every
# private field go. 34675 is the colour profile.
_KEPT = frozenset({
    254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284,
    290, 291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 332, 334, 336,
    338, 339, 340, 341, 347, 529, 530, 531, 532, 34675,
})  # fmt: skip
_PROFILE = 34675
_OFFSETS, _BYTE_COUNTS = (
    frozenset({STRIP_OFFSETS, TILE_OFFSETS}),
    frozenset({STRIP_BYTES, TILE_BYTES}),
)
# How many values a field may have where it is more than one: for each sample, colour or level.
_MOST = {
    258: 8, 280: 8, 281: 8, 291: 65_536, 297: 2, 301: 3 * 65_536, 318: 2, 319: 6, 320: 3 * 65_536,
    321: 2, 336: 16, 338: 8, 339: 8, 340: 8, 341: 8, 529: 3, 530: 2, 532: 6,
}  # fmt: skip
_ASCII, _SHORT, _LONG, _INLINE_BYTES = 2, 3, 4, 4
_OLD_JPEG = 6


def strip_tiff(data: bytes, dropped: Dropped) -> bytes:
    """Return the stripped file; raises BrokenStructure."""
    found = list(directories(data))
    pages = [each for n, each in enumerate(found) if n == 0 or not each.is_preview]
    require(bool(pages), "no page")
    if len(pages) < len(found):
        dropped.add(MetadataGroup.PREVIEW, "page of a smaller size")
    kept = KeptBytes(data)
    kept.keep(0, 4)
    for page in found:
        if page not in pages:
            _note(dropped, page, set())
    written = [_copy_page(kept, page, dropped) for page in pages]
    order, starts = pages[0].order, [page.start for page in pages]
    kept.write(4, struct.pack(f"{order}I", starts[0]))
    for page, count, following in zip(pages, written, [*starts[1:], 0], strict=True):
        kept.write(page.start + 2 + 12 * count, struct.pack(f"{order}I", following))
    return bytes(kept.result[: kept.end])


@dataclass(frozen=True, slots=True)
class _Written:
    """A field as it is written: what its values are, and where they lie if not in its entry."""

    field: Field
    count: int
    values: bytes

    def entry(self, order: str) -> bytes:
        head = struct.pack(f"{order}HHI", self.field.tag, self.field.kind, self.count)
        if len(self.values) <= _INLINE_BYTES:
            return head + self.values.ljust(_INLINE_BYTES, b"\0")
        return head + struct.pack(f"{order}I", self.field.start)


def _copy_page(kept: KeptBytes, page: Directory, dropped: Dropped) -> int:
    """Copy a page's fields and pixels; return how many fields."""
    require(page.number(COMPRESSION, 1) != _OLD_JPEG, "pixels that fields point into")
    is_bounded = page.states_lengths or ends_by_itself(page)
    require(is_bounded, "strips whose end is not known")
    lengths = _copy_pieces(kept, page)
    fields = [_strip_field(page, page.fields[tag], lengths) for tag in page.fields if tag in _KEPT]
    written = [each for each in fields if each]
    for place, each in enumerate(written):
        kept.write(page.start + 2 + 12 * place, each.entry(page.order))
        if len(each.values) > _INLINE_BYTES:
            kept.write(each.field.start, each.values)
    kept.write(page.start, struct.pack(f"{page.order}H", len(written)))
    _note(dropped, page, {each.field.tag for each in written})
    return len(written)


def _copy_pieces(kept: KeptBytes, page: Directory) -> list[int]:
    """Copy the strips or tiles that hold the page; return how long each is now."""
    lengths = []
    for number, (start, end) in enumerate(page.pieces()[: wanted_pieces(page)]):
        content = strip_piece(page, number, page.data[start:end])
        kept.write(start, content)
        lengths.append(len(content))
    return lengths


def _strip_field(page: Directory, field: Field, lengths: list[int]) -> _Written | None:
    """Return what stays of a field; None of one that goes."""
    require(field.end <= len(page.data), "a field past the end")
    values = bytes(page.data[field.start : field.end])
    if field.kind == _ASCII or not field.count:
        return None
    if field.tag == ORIENTATION:
        return _orientation(page, field)
    if field.tag in {_PROFILE, JPEG_TABLES}:
        stripped = strip_profile(values) if field.tag == _PROFILE else strip_stream(values)
        return _Written(field, len(stripped), stripped) if stripped else None
    if field.tag in _BYTE_COUNTS and field.is_number:
        kind = field.kind if field.kind in {_SHORT, _LONG} else _LONG
        return _Written(replace(field, kind=kind), len(lengths), packed(page.order, kind, lengths))
    most = len(lengths) if field.tag in _OFFSETS else _MOST.get(field.tag, 1)
    count = min(field.count, most)
    return _Written(field, count, values[: count * (len(values) // field.count)])


def _orientation(page: Directory, field: Field) -> _Written | None:
    """Return the orientation as everybody reads it, a single SHORT; None of what nobody reads."""
    if not field.is_number:
        return None
    value = valid_orientation(page.number(ORIENTATION, UPRIGHT))
    return _Written(replace(field, kind=_SHORT), 1, packed(page.order, _SHORT, [value]))


def _note(dropped: Dropped, page: Directory, kept: set[int]) -> None:
    fields = {each.tag: (each.start, each.end) for each in page.fields.values()}
    left = {tag: span for tag, span in fields.items() if tag not in kept}
    dropped.add_tiff_fields(bytes(page.data), page.order, left)
