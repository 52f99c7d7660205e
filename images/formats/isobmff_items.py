"""Items of a `meta` box (ISO/IEC 14496-12, 8.11): what they are and where their bytes lie."""

from collections.abc import Iterator
from dataclasses import dataclass

from images.formats.errors import require
from images.formats.isobmff import (
    Box,
    Content,
    Reader,
    boxes,
    find_box,
)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Item:
    """An item: its number, its type, where the type is written, where its entry begins and ends."""

    number: int
    kind: bytes
    kind_at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Location:
    """Where an item's bytes lie: in the file (method 0) or in `idat` (1); and its own entry.

    In the entry, `source_at` is where the number of the file stands that it is in.
    """

    method: int
    extents: tuple[Span, ...]
    entry: Span
    source_at: int


def read_items(data: Content, meta: Box) -> Iterator[Item]:
    """Read the item information box; versions before 2 name no type and are refused."""
    info = find_box(data, meta.body + 4, meta.end, b"iinf")
    if info is None:
        return
    count_width = 2 if data[info.body] == 0 else 4
    for entry in boxes(data, info.body + 4 + count_width, info.end):
        version = data[entry.body]
        require(entry.kind == b"infe" and version in {2, 3}, "an item of an old kind")
        width = 2 if version == 2 else 4
        number = int.from_bytes(data[entry.body + 4 : entry.body + 4 + width], "big")
        kind_at = entry.body + 6 + width
        yield Item(number, bytes(data[kind_at : kind_at + 4]), kind_at, entry.body, entry.end)


def read_locations(data: Content, meta: Box) -> dict[int, Location]:
    """Read the item location box; an extent without length ends, as 0 says here, at the end."""
    box = find_box(data, meta.body + 4, meta.end, b"iloc")
    return {} if box is None else dict(_read_locations(data, box))


def _read_locations(data: Content, box: Box) -> Iterator[tuple[int, Location]]:
    reader = Reader(data, box.body)
    version, widths = reader.number(4) >> 24, reader.number(2)
    id_width = 2 if version < 2 else 4
    index_width = widths & 15 if version else 0
    for _ in range(reader.number(id_width)):
        start = reader.position
        number = reader.number(id_width)
        method = reader.number(2) & 15 if version else 0
        source_at = reader.position
        # Which file it is in: decoders look in this one, whatever that says.
        reader.number(2)
        base, extents = reader.number(widths >> 4 & 15), []
        for _ in range(reader.number(2)):
            reader.number(index_width)
            first = base + reader.number(widths >> 12)
            length = reader.number(widths >> 8 & 15)
            extents.append((first, first + length if length else 0))
        require(reader.position <= box.end, "more locations than fit")
        yield number, Location(method, tuple(extents), (start, reader.position), source_at)


def find_spans(data: Content, meta: Box, location: Location | None) -> list[Span]:
    """Return where an item's bytes lie in the file; raises BrokenStructure."""
    if location is None:
        return []
    require(location.method in {0, 1}, "an item made of another item")
    origin, size = 0, len(data)
    if location.method:
        store = find_box(data, meta.body + 4, meta.end, b"idat")
        require(store is not None, "an item in a box that is not there")
        origin, size = (store.body, store.end - store.body) if store else (0, 0)
    found = [(start, end or size) for start, end in location.extents]
    require(all(end <= size for _, end in found), "an item past the end")
    return [(origin + start, origin + end) for start, end in found]
