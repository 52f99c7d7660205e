"""HEIC: the picture that a file is about, by its boxes (ISO/IEC 23008-12), then by its decoder."""

import struct
from dataclasses import dataclass
from pathlib import Path

from images.formats.errors import CleaningFailed
from images.formats.facts import Facts, facts_of
from images.formats.isobmff import required
from images.formats.isobmff_items import items
from images.formats.isobmff_relations import primary, properties
from images.formats.limits import (
    DAMAGED,
    OF_THIS_KIND,
    Limits,
    RefusedPicture,
    refuse_size,
)
from images.formats.scan import Buffer

# Of these a decoder makes pixels: HEVC, and what puts together pictures that are coded in it.
_KINDS = frozenset({b"hvc1", b"grid", b"iden", b"iovl"})


@dataclass(frozen=True, slots=True)
class Stated:
    """What the boxes say of the primary picture."""

    kind: bytes
    width: int
    height: int


def described(path: Path, data: Buffer, limits: Limits) -> Facts:
    """Return what a HEIC is, other pictures in the file left aside; raises RefusedPicture.

    Boxes and decoder are both asked, the boxes first: a lie in them ends in front of the decoder.
    """
    from images.formats import libheif

    if not libheif.is_there():
        raise RefusedPicture("format", "HEIC pictures are not taken.")
    try:
        header = stated(data)
    except (CleaningFailed, struct.error, IndexError) as error:
        raise RefusedPicture("damaged", DAMAGED) from error
    if header.kind not in _KINDS:
        raise RefusedPicture("format", OF_THIS_KIND.format(name="HEIF"))
    refuse_size(header.width, header.height, 1, limits)
    try:
        picture = libheif.opened(path)
    except Exception as error:  # the decoder raises RuntimeError, SyntaxError, ValueError and more
        raise RefusedPicture("damaged", DAMAGED) from error
    return facts_of("HEIC", picture.size, frames=1, has_alpha=picture.has_alpha)


def stated(data: Buffer) -> Stated:
    """Read the boxes alone; raises CleaningFailed where they cannot be followed."""
    meta = required(data, 0, len(data), b"meta")
    number = primary(data, meta)
    kinds = {item.number: item.kind for item in items(data, meta)}
    for box in properties(data, meta).get(number, []):
        if box.kind == b"ispe":
            return Stated(kinds.get(number, b""), *struct.unpack_from(">II", data, box.body + 4))
    raise CleaningFailed("a picture without size")
