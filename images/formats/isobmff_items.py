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


@dataclass(frozen=True, slots=True)
class Item:
    """An item: its number, its type, where the type is written, where its entry begins and ends."""

    number: int
    kind: bytes
    kind_at: int
    start: int
    end: int


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


def read_extents(data: Content, meta: Box) -> dict[int, list[tuple[int, int]]]:
    """Read the item location box: for each item the begin and end of its bytes in the file."""
    location = find_box(data, meta.body + 4, meta.end, b"iloc")
    if location is None:
        return {}
    reader = Reader(data, location.body)
    version = reader.number(4) >> 24
    widths = reader.number(2)
    offset_width, length_width, base_width = widths >> 12, widths >> 8 & 15, widths >> 4 & 15
    index_width = widths & 15 if version else 0
    found = {}
    for _ in range(reader.number(2 if version < 2 else 4)):
        number = reader.number(2 if version < 2 else 4)
        method = reader.number(2) & 15 if version else 0
        reader.number(2)
        base = reader.number(base_width) + _origin(data, meta, method)
        found[number] = [
            _extent(data, reader, base, (index_width, offset_width, length_width))
            for _ in range(reader.number(2))
        ]
    return found


def _origin(data: Content, meta: Box, method: int) -> int:
    """Offsets count from the file's begin (method 0) or from the `idat` box (method 1)."""
    require(method in {0, 1}, "an item made of another item")
    if method == 0:
        return 0
    held = find_box(data, meta.body + 4, meta.end, b"idat")
    require(held is not None, "an item in a box that is not there")
    return held.body if held else 0


def _extent(
    data: Content, reader: Reader, base: int, widths: tuple[int, int, int]
) -> tuple[int, int]:
    reader.number(widths[0])
    start = base + reader.number(widths[1])
    length = reader.number(widths[2])
    end = start + length if length else len(data)
    require(end <= len(data), "an item past the end of the file")
    return start, end
