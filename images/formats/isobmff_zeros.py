"""Whether the data of an AVIF or HEIC turns to zeros, of which decoders make a picture too."""

from images.formats.errors import require
from images.formats.isobmff import find_box
from images.formats.isobmff_items import find_spans, read_items, read_locations
from images.formats.isobmff_relations import items_needed
from images.formats.scan import Buffer

# HEVC never has three zeros in a row (Rec. ITU-T H.265, 7.4.2), but in the length of what follows.
_NEVER_IN_HEVC = bytes(8)
# AV1 may have them, but ends with a bit that is set and less than a byte behind it.
_NEVER_ENDS_AV1 = bytes(64)


def refuse_zeros(data: Buffer) -> None:
    """Raise BrokenStructure where a part of the primary picture turns to zeros.

    A file without one, which is a film, is left to its decoder.
    """
    meta = find_box(data, 0, len(data), b"meta")
    if meta is None:
        return
    kinds = {item.number: item.kind for item in read_items(data, meta)}
    where = read_locations(data, meta)
    for number in items_needed(data, meta):
        for start, end in find_spans(data, meta, where.get(number)):
            kind = kinds.get(number)
            is_zero = (kind == b"hvc1" and data.find(_NEVER_IN_HEVC, start, end) >= 0) or (
                kind == b"av01" and data[start:end].endswith(_NEVER_ENDS_AV1)
            )
            require(not is_zero, "zeros in place of data")
