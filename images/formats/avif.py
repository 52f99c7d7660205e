"""AVIF: the pictures that are coded in AV1, of which libvips or else Pillow shows the first."""

from collections.abc import Iterable
from typing import Any

import pyvips
from PIL import ImageOps

from images.formats.codec import StandardCodec
from images.formats.facts import Facts
from images.formats.isobmff import brands
from images.formats.memory import open_by_pillow
from images.formats.nclx import states_display_p3
from images.formats.scan import Buffer
from images.metadata.dropped import Dropped
from images.metadata.heif_boxes import strip_avif

BRANDS = frozenset({b"avif", b"avis"})


class AvifCodec(StandardCodec):
    """Falls back on Pillow: libvips does not decode every kind of AVIF."""

    vips_loader = "Heif"

    def matches(self, head: bytes) -> bool:
        """Look for AVIF's brands among a file's."""
        return bool(brands(head) & BRANDS)

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode every frame."""
        self.decode_frames(data)

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Blank what makes no picture."""
        return [strip_avif(data, dropped)]

    def open_by_other_decoder(self, data: Buffer) -> Any:
        """Decode the first frame by Pillow, upright and with its colour profile."""
        with open_by_pillow(data, self.format.name) as opened:
            upright = ImageOps.exif_transpose(opened)
            mode = "RGBA" if upright.has_transparency_data else "RGB"
            image = pyvips.Image.new_from_array(upright.convert(mode))
            profile = opened.info.get("icc_profile")
        if profile:
            image = image.copy()
            image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
        return image

    def states_display_p3(self, data: Buffer) -> bool:
        """Look for its numbers in the primary picture's properties."""
        return states_display_p3(data)
