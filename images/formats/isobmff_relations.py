"""How the items of a `meta` box belong together (ISO/IEC 23008-12, ISO/IEC 14496-12)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from images.formats.errors import BrokenStructure, require
from images.formats.isobmff import (
    Box,
    Content,
    Reader,
    boxes,
    find_box,
    require_box,
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An item that is something (`kind`) to others: `thmb` a preview of, `dimg` made of."""

    kind: bytes
    source: int
    targets: tuple[int, ...]


def primary_item(data: Content, meta: Box) -> int:
    """Return the item that the file is about (`pitm`); raises BrokenStructure."""
    reader = Reader(data, require_box(data, meta.body + 4, meta.end, b"pitm").body)
    version = reader.number(4) >> 24
    return reader.number(4 if version else 2)


def read_references(data: Content, meta: Box) -> Iterator[Reference]:
    """Read the item reference box (`iref`)."""
    holder = find_box(data, meta.body + 4, meta.end, b"iref")
    if holder is None:
        return
    width = 2 if data[holder.body] == 0 else 4
    for box in boxes(data, holder.body + 4, holder.end):
        reader = Reader(data, box.body)
        source = reader.number(width)
        count = reader.number(2)
        require(reader.position + count * width <= box.end, "more references than fit")
        yield Reference(box.kind, source, tuple(reader.number(width) for _ in range(count)))


def property_boxes(data: Content, meta: Box) -> list[Box]:
    """Return every property there is (`ipco`), in the order by which items name them."""
    holder = find_box(data, meta.body + 4, meta.end, b"iprp")
    inner = find_box(data, holder.body, holder.end, b"ipco") if holder else None
    return list(boxes(data, inner.body, inner.end)) if inner else []


def read_properties(data: Content, meta: Box) -> dict[int, list[Box]]:
    """Return each item's properties (`ipma`); raises BrokenStructure."""
    holder = find_box(data, meta.body + 4, meta.end, b"iprp")
    known = property_boxes(data, meta)
    found: dict[int, list[Box]] = {}
    for box in boxes(data, holder.body, holder.end) if holder else ():
        if box.kind == b"ipma":
            for item, index in _associations(Reader(data, box.body)):
                require(index <= len(known), "a property that is not there")
                if index:
                    found.setdefault(item, []).append(known[index - 1])
    return found


def _associations(reader: Reader) -> Iterator[tuple[int, int]]:
    head = reader.number(4)
    number_width, index_width = (4 if head >> 24 else 2), (2 if head & 1 else 1)
    mask = (1 << (8 * index_width - 1)) - 1
    for _ in range(reader.number(4)):
        item = reader.number(number_width)
        for _ in range(reader.number(1)):
            yield item, reader.number(index_width) & mask


def items_needed(data: Content, meta: Box) -> set[int]:
    """Return the primary picture's item, and those that it is put together from."""
    found, references = {primary_item(data, meta)}, list(read_references(data, meta))
    while (
        more := {
            number
            for each in references
            if each.kind == b"dimg" and each.source in found
            for number in each.targets
        }
        - found
    ):
        found |= more
    return found


def states_premultiplied(data: Content) -> bool:
    """Tell whether a picture's colours are multiplied by its transparency (ISO/IEC 23008-12)."""
    meta = require_box(data, 0, len(data), b"meta")
    return any(each.kind == b"prem" for each in read_references(data, meta))


def is_monochrome(data: Content) -> bool:
    """Tell whether the primary picture is coded in AV1 without colours (av1C)."""
    try:
        meta = require_box(data, 0, len(data), b"meta")
        stated = read_properties(data, meta).get(primary_item(data, meta), [])
        return any(box.kind == b"av1C" and data[box.body + 2] & 0x10 for box in stated)
    except (BrokenStructure, struct.error, IndexError):
        return False
