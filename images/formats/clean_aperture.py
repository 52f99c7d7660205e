"""The part of a coded AVIF picture that is shown (`clap`, ISO/IEC 14496-12, 12.1.4)."""

import struct
from fractions import Fraction
from math import floor

from images.formats.errors import BrokenStructure
from images.formats.isobmff import require_box
from images.formats.isobmff_relations import primary_item, read_properties
from images.formats.scan import Buffer


def clean_aperture(data: Buffer, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return left, top, right and bottom (without) of what is shown of the primary picture.

    None where all of it is. Rounded as libheif does, which shows most files.
    """
    try:
        meta = require_box(data, 0, len(data), b"meta")
        stated = read_properties(data, meta).get(primary_item(data, meta), [])
        found = next((box for box in stated if box.kind == b"clap"), None)
        if found is None:
            return None
        numbers = struct.unpack_from(">IIIIiIiI", data, found.body)
        width, height, right, down = (Fraction(*numbers[n : n + 2]) for n in (0, 2, 4, 6))
    except (BrokenStructure, struct.error, IndexError, ZeroDivisionError):
        return None
    sides = [_clamp(*each) for each in ((size[0], width, right), (size[1], height, down))]
    (left, end), (top, bottom) = sides
    return (left, top, end, bottom) if left < end and top < bottom else None


def _clamp(side: int, shown: Fraction, offset: Fraction) -> tuple[int, int]:
    """Return where the shown part of a side begins and ends."""
    first = offset + Fraction(side - 1, 2) - (shown - 1) / 2
    last = floor(first + shown - 1 + Fraction(1, 2))
    return max(0, floor(first)), min(side, last + 1)
