"""Colours that AVIF and HEIC state by numbers instead of a profile (ISO/IEC 23091-2)."""

import struct
from collections.abc import Container, Iterable
from dataclasses import replace

from images.formats.colours import Colours, of_code_points
from images.formats.errors import BrokenStructure
from images.formats.isobmff import Box, require_box
from images.formats.isobmff_relations import primary_item, read_properties
from images.formats.scan import Buffer

_NUMBERS = b"nclx"
# In so many parts of 1 cd/m² is stated what a display reaches.
_MDCV_UNIT = 10_000


def read_nclx(
    data: Buffer, usual_peak: float | None = None, plain_matrices: Container[int] = ()
) -> Colours | None:
    """Return what the primary picture states; None for sRGB, a profile, and broken boxes.

    Of pictures in HDR: `usual_peak` is that of one which states none, and one whose matrix is
    among `plain_matrices` is shown as if it were sRGB.
    """
    try:
        meta = require_box(data, 0, len(data), b"meta")
        stated = read_properties(data, meta).get(primary_item(data, meta), [])
        bodies = [data[box.body : box.end] for box in stated if box.kind == b"colr"]
        if len(bodies) != sum(body.startswith(_NUMBERS) for body in bodies):
            return None
        numbers = [struct.unpack_from(">HHH", body, len(_NUMBERS)) for body in bodies]
        if not numbers:
            return None
        primaries, transfer, matrix = numbers[0]
        found = of_code_points(primaries, transfer)
        if found is None or not found.is_hdr:
            return found
        if matrix in plain_matrices:
            return None
        return replace(found, peak=_read_peak(data, stated) or usual_peak)
    except (BrokenStructure, struct.error, IndexError):
        return None


def _read_peak(data: Buffer, stated: Iterable[Box]) -> float:
    """Return the brightest light in cd/m², of the content or else of the display; 0 for none."""
    found = {box.kind: box for box in stated}
    peak = 0.0
    if b"clli" in found:
        peak = float(struct.unpack_from(">H", data, found[b"clli"].body)[0])
    if not peak and b"mdcv" in found:
        peak = struct.unpack_from(">I", data, found[b"mdcv"].body + 16)[0] / _MDCV_UNIT
    return peak
