"""HEIC: the primary picture of a file, in HEVC (ISO/IEC 23008-12); others are left aside."""

import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from images.formats import avif, libheif
from images.formats.codec import Codec
from images.formats.colours import Colours
from images.formats.errors import BrokenStructure, require
from images.formats.facts import Facts, facts_of
from images.formats.isobmff import Box, boxes, brands, find_box, require_box
from images.formats.isobmff_items import read_items
from images.formats.isobmff_relations import primary_item, read_properties
from images.formats.isobmff_zeros import refuse_zeros
from images.formats.limits import UNSUPPORTED, UNSUPPORTED_KIND, Limits, RefusedPicture, refuse_size
from images.formats.nclx import read_nclx
from images.formats.scan import Buffer
from images.metadata.dropped import Dropped
from images.metadata.heif_boxes import strip_heic

_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
# Of these a decoder makes pixels: HEVC, and what puts together pictures that are coded in it.
_ITEM_KINDS = frozenset({b"hvc1", b"grid", b"iden", b"iovl"})


class HeicCodec(Codec):
    """Asks the boxes before the decoder, so that the decoder sees no size beyond the limits."""

    def matches(self, head: bytes) -> bool:
        """Look for HEIF's brands; AVIF files may bear the general ones too."""
        found = brands(head)
        return bool(found & _BRANDS) and not found & avif.BRANDS

    def describe(self, data: Buffer, limits: Limits) -> Facts:
        """Refuse what the boxes state, then ask the decoder for the size as shown."""
        if not libheif.is_available():
            raise RefusedPicture("format", UNSUPPORTED.format(name="HEIC"))
        if find_box(data, 0, len(data), b"meta") is None and find_box(data, 0, len(data), b"moov"):
            # A film, of which no picture is the one to show.
            raise RefusedPicture("format", UNSUPPORTED_KIND.format(name="HEIF"))
        header = read_primary(data)
        if header.kind not in _ITEM_KINDS:
            raise RefusedPicture("format", UNSUPPORTED_KIND.format(name="HEIF"))
        refuse_size(header.width, header.height, 1, limits)
        picture = libheif.open_primary(data)
        return facts_of(self.format, picture.size, has_alpha=picture.has_alpha)

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode the picture, whose size may not be what its header states."""
        self.verify_end(data)
        image = libheif.decode(data)
        require((image.width, image.height) == (facts.width, facts.height), "another size")

    def verify_end(self, data: Buffer) -> None:
        """Look for zeros in place of data, of which libde265 makes a picture too."""
        refuse_zeros(data)

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Blank what is no part of the picture."""
        return [strip_heic(data, dropped)]

    def open(self, data: Buffer) -> Any:
        """Decode the picture; it is upright."""
        return libheif.decode(data, is_deep=self.colours(data) is not None)

    def colours(self, data: Buffer) -> Colours | None:
        """Read the primary picture's properties."""
        return read_nclx(data)


@dataclass(frozen=True, slots=True)
class PrimaryItem:
    """What the boxes state of the primary picture."""

    kind: bytes
    width: int
    height: int


def read_primary(data: Buffer) -> PrimaryItem:
    """Read the boxes alone; raises BrokenStructure, struct.error or IndexError."""
    meta = require_box(data, 0, len(data), b"meta")
    # Of two, decoders do not show the same one.
    require(sum(each.kind == b"meta" for each in _boxes_before_rest(data)) == 1, "two item boxes")
    number = primary_item(data, meta)
    kinds = {item.number: item.kind for item in read_items(data, meta)}
    for box in read_properties(data, meta).get(number, []):
        if box.kind == b"ispe":
            size = struct.unpack_from(">II", data, box.body + 4)
            return PrimaryItem(kinds.get(number, b""), *size)
    raise BrokenStructure("a picture without size")


def _boxes_before_rest(data: Buffer) -> Iterator[Box]:
    """Yield the boxes at the top; behind the last may be what is none."""
    with suppress(BrokenStructure, struct.error):
        yield from boxes(data, 0, len(data))
