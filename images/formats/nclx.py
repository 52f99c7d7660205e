"""Colours that AVIF and HEIC state by numbers instead of by a profile (ISO/IEC 23091-2)."""

import struct

from images.formats.errors import CleaningFailed
from images.formats.isobmff import required
from images.formats.isobmff_relations import primary, properties
from images.formats.scan import Buffer

# A `colr` box's body: Display P3's primaries are 12, sRGB's curve is 13.
_DISPLAY_P3 = b"nclx" + struct.pack(">HH", 12, 13)


def is_display_p3(data: Buffer) -> bool:
    """Tell whether the primary picture states Display P3; boxes that lead nowhere state nothing."""
    try:
        meta = required(data, 0, len(data), b"meta")
        stated = properties(data, meta).get(primary(data, meta), [])
    except (CleaningFailed, struct.error, IndexError):
        return False
    bodies = [data[box.body : box.end] for box in stated if box.kind == b"colr"]
    return any(body.startswith(_DISPLAY_P3) for body in bodies)
