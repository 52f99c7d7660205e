"""The directories of a TIFF (revision 6.0): where every page, field and strip lies.

Nothing is decoded. What leads out of the file, or in a circle, raises BrokenStructure.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from images.formats.errors import BrokenStructure
from images.formats.scan import Buffer

_HEADER_BYTES = 8
_ENTRY_BYTES = 12
# Bytes of one value, by the number of its type (section 2; 13 is an IFD of the first supplement).
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_REDUCED = 1
_FRACTION = 5
_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I"}

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, PLANAR = (
    273,
    274,
    277,
    278,
    279,
    284,
)
MAKE, X_RESOLUTION, Y_RESOLUTION, SUB_DIRECTORIES = 271, 282, 283, 330
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
EXTRA_SAMPLES, SAMPLE_FORMAT, JPEG_TABLES, SUBSAMPLING, DNG_VERSION = 338, 339, 347, 530, 50706


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a directory: its type, its number of values, and where they begin and end."""

    tag: int
    kind: int
    count: int
    entry_at: int
    start: int
    end: int

    @property
    def is_number(self) -> bool:
        """Tell whether the values are unsigned numbers."""
        return self.kind in _NUMBERS

    @property
    def is_out_of_line(self) -> bool:
        """Tell whether the values lie elsewhere than in the directory."""
        return self.start != self.entry_at + 8


@dataclass(frozen=True)
class Directory:
    """A page: its fields by tag, and where the directory begins."""

    data: Buffer
    order: str
    start: int
    fields: dict[int, Field]

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return a field's unsigned values; none where it is missing."""
        field = self.fields.get(tag)
        if field is None:
            return ()
        letter = _NUMBERS.get(field.kind)
        if letter is None or field.end > len(self.data):
            raise BrokenStructure(f"field {tag}")
        return struct.unpack_from(f"{self.order}{field.count}{letter}", self.data, field.start)

    def number(self, tag: int, default: int = 0) -> int:
        """Return a field's first value, or the default where the field is missing."""
        return next(iter(self.numbers(tag)), default)

    @cached_property
    def is_preview(self) -> bool:
        """Tell whether it is another page, or the picture itself, in a smaller size."""
        return bool(self.number(SUBFILE) & _REDUCED)

    def ratio(self, tag: int) -> float:
        """Return a field's fraction; 0 where there is none."""
        field = self.fields.get(tag)
        if field is None or field.kind != _FRACTION or field.end > len(self.data):
            return 0.0
        above, below = struct.unpack_from(f"{self.order}II", self.data, field.start)
        return above / below if below else 0.0

    @cached_property
    def is_tiled(self) -> bool:
        """Tell whether the pixels lie in tiles rather than in strips."""
        return TILE_WIDTH in self.fields

    @property
    def states_lengths(self) -> bool:
        """Tell whether it says how long the strips or tiles are."""
        return (TILE_BYTES if self.is_tiled else STRIP_BYTES) in self.fields

    def pieces(self) -> list[tuple[int, int]]:
        """Return where each strip or tile begins and ends; raises BrokenStructure past the end."""
        tags = (TILE_OFFSETS, TILE_BYTES) if self.is_tiled else (STRIP_OFFSETS, STRIP_BYTES)
        offsets, lengths = (self.numbers(tag) for tag in tags)
        if not lengths and not self.is_tiled:
            lengths = self._compute_lengths(offsets)
        if not offsets or len(offsets) != len(lengths):
            raise BrokenStructure("strips")
        found = [(start, start + length) for start, length in zip(offsets, lengths, strict=True)]
        if max(end for _, end in found) > len(self.data):
            raise BrokenStructure("a strip past the end")
        return found

    def _compute_lengths(self, offsets: tuple[int, ...]) -> tuple[int, ...]:
        """Return the lengths of strips that state none, as old programs left them.

        They are known where nothing is compressed; else a strip ends where something else begins.
        """
        if self.number(COMPRESSION, 1) != 1:
            fields = (each.start for each in self.fields.values() if each.is_out_of_line)
            starts = sorted({*offsets, self.start, len(self.data), *fields})
            ends = dict(pairwise(starts))
            return tuple(ends.get(each, 0) - each for each in offsets if each < len(self.data))
        height = self.number(HEIGHT)
        rows = max(1, min(self.number(ROWS_PER_STRIP, height), height))
        samples = self.number(SAMPLES, 1) if self.number(PLANAR, 1) == 1 else 1
        line = -(-self.number(WIDTH) * self.number(BITS, 1) * samples // 8)
        strips = -(-height // rows)
        return tuple(
            line * min(rows, height - n % strips * rows) for n, _ in enumerate(offsets) if strips
        )


def directories(data: Buffer) -> Iterator[Directory]:
    """Yield the pages in their order; raises BrokenStructure."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < _HEADER_BYTES:
        raise BrokenStructure("header")
    seen: set[int] = set()
    at = struct.unpack_from(f"{order}I", data, 4)[0]
    while at:
        if at in seen:
            raise BrokenStructure("a circle of pages")
        seen.add(at)
        directory, at = _read_directory(data, order, at)
        yield directory


def _read_directory(data: Buffer, order: str, at: int) -> tuple[Directory, int]:
    """Read a directory; the second value is where the next one begins, 0 after the last."""
    try:
        count = struct.unpack_from(f"{order}H", data, at)[0]
        entries = [_read_field(data, order, at + 2 + _ENTRY_BYTES * n) for n in range(count)]
        following = struct.unpack_from(f"{order}I", data, at + 2 + _ENTRY_BYTES * count)[0]
    except struct.error as error:
        raise BrokenStructure("directory") from error
    fields = {entry.tag: entry for entry in entries}
    # Decoders differ in which of two equal fields they use.
    if len(fields) != count:
        raise BrokenStructure("a field twice")
    return Directory(data, order, at, fields), following


def _read_field(data: Buffer, order: str, at: int) -> Field:
    tag, kind, count = struct.unpack_from(f"{order}HHI", data, at)
    length = _WIDTHS.get(kind, 0) * count
    start = at + 8 if length <= 4 else struct.unpack_from(f"{order}I", data, at + 8)[0]
    return Field(tag, kind, count, at, start, start + length)
