"""AVIF (an ISO base media file): metadata is overwritten in place, so that every offset still fits.

An item that is no part of the picture loses its bytes and its type; the orientation of an AVIF is a
property of the item (`irot`, `imir`) and stays.
"""

from collections.abc import Iterator

from images.cleaning.boxes import Box, boxes
from images.cleaning.failure import require
from images.cleaning.items import extents, items, previews

# Coded pictures and what combines them; anything else (Exif, XMP as mime, uri) is metadata.
_PICTURES = frozenset({b"av01", b"grid", b"iden", b"iovl", b"tmap"})
_TOP = frozenset({b"ftyp", b"styp", b"meta", b"mdat", b"moov", b"sidx", b"moof", b"mfra"})
_NESTED = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf"})
_TOLD = frozenset({b"udta", b"meta", b"uuid", b"free", b"skip", b"cprt"})
_EMPTY = b"free"


def cleaned(data: bytes, orientation: int) -> Iterator[bytes]:
    """Yield the clean file; `orientation` is not used (see above)."""
    changed = bytearray(data)
    top = list(boxes(data, 0, len(data)))
    require(bool(top) and top[0].kind == b"ftyp", "no file type box")
    for box in top:
        if box.kind == b"meta":
            _empty_items(changed, box)
        elif box.kind == b"moov":
            _empty_told(changed, box)
        elif box.kind not in _TOP:
            _empty(changed, box)
    yield bytes(changed)


def _empty_items(data: bytearray, meta: Box) -> None:
    where, thumbnails = extents(data, meta), previews(data, meta)
    for item in items(data, meta):
        if item.kind in _PICTURES and item.number not in thumbnails:
            continue
        data[item.kind_at : item.kind_at + 4] = _EMPTY
        for start, end in where.get(item.number, []):
            data[start:end] = bytes(end - start)


def _empty_told(data: bytearray, outer: Box) -> None:
    for box in boxes(data, outer.body, outer.end):
        if box.kind in _TOLD:
            _empty(data, box)
        elif box.kind in _NESTED:
            _empty_told(data, box)


def _empty(data: bytearray, box: Box) -> None:
    data[box.kind_at : box.kind_at + 4] = _EMPTY
    data[box.body : box.end] = bytes(box.end - box.body)
