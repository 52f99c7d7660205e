"""Boxes of an ISO base media file (ISO/IEC 14496-12): where each begins and ends."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from images.formats.errors import BrokenStructure, require
from images.formats.scan import Buffer

Content = Buffer | bytearray


@dataclass(frozen=True, slots=True)
class Box:
    """A box in a file: its type, and the positions of the type, of the body and of the end."""

    kind: bytes
    kind_at: int
    body: int
    end: int


def brands(head: bytes) -> set[bytes]:
    """Return the brands that a file's first box states (section 4.3); none for another file."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[i : i + 4] for i in range(16, end, 4))}


def boxes(data: Content, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two positions; raises BrokenStructure where they do not fit."""
    while start < end:
        require(start + 8 <= end, "a box without header")
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            size, body = struct.unpack_from(">Q", data, body)[0], start + 16
        box_end = end if size == 0 else start + size
        require(body <= box_end <= end, "a box longer than what holds it")
        yield Box(kind, start + 4, body, box_end)
        start = box_end


def find_box(data: Content, start: int, end: int, kind: bytes) -> Box | None:
    """Return the first box of a kind."""
    return next((box for box in boxes(data, start, end) if box.kind == kind), None)


def require_box(data: Content, start: int, end: int, kind: bytes) -> Box:
    """Return the first box of a kind; raises BrokenStructure where there is none."""
    found = find_box(data, start, end, kind)
    if found is None:
        raise BrokenStructure(f"no {kind.decode('ascii', 'replace')} box")
    return found


class Reader:
    """Reads big-endian numbers one after another."""

    def __init__(self, data: Content, position: int) -> None:
        """Begin at a position."""
        self.data = data
        self.position = position

    def number(self, width: int) -> int:
        """Read a number of so many bytes; of none it is 0."""
        end = self.position + width
        require(end <= len(self.data), "a field past the end")
        value = int.from_bytes(self.data[self.position : end], "big")
        self.position = end
        return value
