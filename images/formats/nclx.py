"""Colours that AVIF and HEIC state by numbers instead of a profile (ISO/IEC 23091-2)."""

import struct

from images.formats.errors import BrokenStructure
from images.formats.isobmff import require_box
from images.formats.isobmff_relations import primary_item, read_properties
from images.formats.scan import Buffer

# A `colr` box's body: Display P3's primaries are 12, sRGB's curve is 13.
_DISPLAY_P3 = b"nclx" + struct.pack(">HH", 12, 13)


def states_display_p3(data: Buffer) -> bool:
    """Tell whether the primary picture states Display P3; broken boxes state nothing."""
    try:
        meta = require_box(data, 0, len(data), b"meta")
        stated = read_properties(data, meta).get(primary_item(data, meta), [])
    except (BrokenStructure, struct.error, IndexError):
        return False
    bodies = [data[box.body : box.end] for box in stated if box.kind == b"colr"]
    return any(body.startswith(_DISPLAY_P3) for body in bodies)
