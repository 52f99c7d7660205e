"""AVIF: the pictures that are coded in AV1, of which Pillow or libvips shows the first.

Pillow's decoder takes a third of the time, but gives eight bits whatever the file has.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pyvips
from PIL import Image, ImageOps

from images.formats.clean_aperture import clean_aperture
from images.formats.codec import StandardCodec
from images.formats.colours import Colours
from images.formats.exif import SWAPS_SIDES, orientation_of
from images.formats.facts import Facts
from images.formats.isobmff import brands
from images.formats.isobmff_relations import is_monochrome, states_premultiplied
from images.formats.isobmff_zeros import refuse_zeros
from images.formats.limits import Limits
from images.formats.memory import open_by_pillow, open_lines
from images.formats.nclx import read_nclx
from images.formats.scan import Buffer
from images.metadata.dropped import Dropped
from images.metadata.heif_boxes import strip_avif

BRANDS = frozenset({b"avif", b"avis"})
# What browsers take it for; so thumbnails look as the picture does beside them.
_USUAL_PEAK = 1_000.0
# Derived from the primaries (H.273, 12): Chromium decodes it, but makes no light of its HDR, and
# shows the samples as they are.
_PLAIN_MATRICES = frozenset({12})
# By plain means as far as whole factors go: a third of the time that 1.5 takes, for one decibel.
_REDUCING_GAP = 1.0


class AvifCodec(StandardCodec):
    """Falls back on Pillow for more than eight bits: libvips decodes not every kind of AVIF."""

    vips_loader = "Heif"

    def matches(self, head: bytes) -> bool:
        """Look for AVIF's brands among a file's."""
        return bool(brands(head) & BRANDS)

    def describe(self, data: Buffer, limits: Limits) -> Facts:
        """Have Pillow count the frames; the size is that of the decoder that will show it."""
        facts = super().describe(data, limits)
        try:
            header = self.open(data)
            return replace(facts, width=header.width, height=header.height)
        except pyvips.Error:
            with open_by_pillow(data, self.format.name) as opened:
                width, height = _size_as_shown(opened, data)
            return replace(facts, width=width, height=height)

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode every frame."""
        self.decode_frames(data)
        self.verify_end(data)

    def verify_end(self, data: Buffer) -> None:
        """Look for zeros in place of data, of which a decoder makes a picture too."""
        refuse_zeros(data)

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Blank what makes no picture."""
        return [strip_avif(data, dropped)]

    def load(self, data: Buffer, opened: Any, shrink: float) -> Any:
        """Decode the first frame by Pillow where that loses nothing."""
        if _is_pillows(data, opened):
            return _decode_by_pillow(data, self.format.name, shrink)
        image = open_lines(data)
        # Pillow's decoder knows it, libvips' does not.
        if image.hasalpha() and states_premultiplied(data):
            return image.unpremultiply().cast(image.format)
        return image

    def open_by_other_decoder(self, data: Buffer) -> Any:
        """Decode the first frame by Pillow."""
        return _decode_by_pillow(data, self.format.name, 1)

    def colours(self, data: Buffer) -> Colours | None:
        """Read the primary picture's properties."""
        return read_nclx(data, _USUAL_PEAK, _PLAIN_MATRICES)


def _is_pillows(data: Buffer, opened: Any) -> bool:
    """Tell whether Pillow is to decode it: what has eight bits, and grey.

    Of grey in the limited range libvips' decoder takes black for grey.
    """
    return opened.format == "uchar" or is_monochrome(data)


def _as_shown(opened: Image.Image, data: Buffer, shrink: float) -> Image.Image:
    """Return what Pillow decodes, cropped and turned as libvips does it: Pillow does not crop."""
    aperture = clean_aperture(data, opened.size)
    cropped = opened.crop(aperture) if aperture else opened
    return ImageOps.exif_transpose(_shrink(cropped, shrink))


def _size_as_shown(opened: Image.Image, data: Buffer) -> tuple[int, int]:
    left, top, right, bottom = clean_aperture(data, opened.size) or (0, 0, *opened.size)
    size = right - left, bottom - top
    # Pillow writes how the picture is to be turned into EXIF of its own.
    return size[::-1] if orientation_of(opened.info.get("exif") or b"") in SWAPS_SIDES else size


def _decode_by_pillow(data: Buffer, name: str, shrink: float) -> Any:
    """Return the first frame, shrunk by a factor, as it is shown and with its colour profile."""
    with open_by_pillow(data, name) as opened:
        profile = opened.info.get("icc_profile")
        shown = _as_shown(opened, data, shrink)
        mode = "RGBA" if shown.has_transparency_data else "RGB"
        image = pyvips.Image.new_from_array(shown.convert(mode), interpretation="srgb")
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


def _shrink(image: Image.Image, factor: float) -> Image.Image:
    size = round(image.width / factor), round(image.height / factor)
    return image.resize(size, reducing_gap=_REDUCING_GAP) if factor > 1 else image
