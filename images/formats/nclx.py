"""Colours that AVIF and HEIC state by numbers instead of a profile (ISO/IEC 23091-2)."""

import struct

from images.formats.colours import Colours, of_code_points
from images.formats.errors import BrokenStructure
from images.formats.isobmff import require_box
from images.formats.isobmff_relations import primary_item, read_properties
from images.formats.scan import Buffer

_NUMBERS = b"nclx"


def read_nclx(data: Buffer) -> Colours | None:
    """Return what the primary picture states; None for sRGB, a profile, and broken boxes."""
    try:
        meta = require_box(data, 0, len(data), b"meta")
        stated = read_properties(data, meta).get(primary_item(data, meta), [])
        bodies = [data[box.body : box.end] for box in stated if box.kind == b"colr"]
        if len(bodies) != sum(body.startswith(_NUMBERS) for body in bodies):
            return None
        numbers = [struct.unpack_from(">HH", body, len(_NUMBERS)) for body in bodies]
    except (BrokenStructure, struct.error, IndexError):
        return None
    return of_code_points(*numbers[0]) if numbers else None
