"""TIFF: its first page is shown; all pages must be whole, since they leave with the original."""

from collections.abc import Iterable
from typing import Any

import pyvips

from images.formats.codec import Codec
from images.formats.errors import BrokenStructure
from images.formats.exif import SWAPS_SIDES, UPRIGHT, valid_orientation
from images.formats.facts import Facts, facts_of
from images.formats.limits import Limits, RefusedPicture, refuse_format
from images.formats.memory import vips_source
from images.formats.scan import Buffer
from images.formats.tiff_directories import (
    COMPRESSION,
    DNG_VERSION,
    HEIGHT,
    MAKE,
    ORIENTATION,
    SUB_DIRECTORIES,
    WIDTH,
    X_RESOLUTION,
    Y_RESOLUTION,
    Directory,
    directories,
)
from images.formats.tiff_pages import read_pages
from images.formats.tiff_samples import extra_samples, transparency
from images.formats.unsupported import RAW, raw_by_maker
from images.metadata.dropped import Dropped
from images.metadata.tiff_fields import strip_tiff

# Of 204 by 98 or 196 pixels to an inch; a scan's 200 by 199 are as good as square.
_FAXES = frozenset({2, 3, 4})
_ALMOST_SQUARE, _MAX_STRETCH = 0.02, 4


class TiffCodec(Codec):
    """Reads every page's fields before libvips does: libtiff follows too much."""

    vips_loader = "TiffSource"

    def matches(self, head: bytes) -> bool:
        """Look for either byte order; a camera's raw file that begins alike is none."""
        return head.startswith((b"II*\0", b"MM\0*")) and head[8:10] != b"CR"

    def describe(self, data: Buffer, limits: Limits) -> Facts:
        """Describe the first page as it is shown; others count as frames, but for previews."""
        try:
            pages = read_pages(data, limits)
        except (BrokenStructure, RefusedPicture) as error:
            raw = _name_of_raw(data, is_broken=isinstance(error, BrokenStructure))
            if raw and getattr(error, "code", "format") == "format":
                refuse_format(raw)
            raise
        first = pages[0]
        size = _square_size(first)
        if _orientation_of(first) in SWAPS_SIDES:
            size = size[1], size[0]
        has_alpha = transparency(first) is not None
        frames = 1 + sum(not page.is_preview for page in pages[1:])
        return facts_of(self.format, size, frames=frames, has_alpha=has_alpha)

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode every page."""
        for number, _ in enumerate(directories(data)):
            _open_page(data, number).avg()

    def orientation(self, data: Buffer) -> int:
        """Read the first page's field."""
        return _orientation_of(next(directories(data)))

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Copy what makes pixels; the orientation is a field that stays."""
        return [strip_tiff(data, dropped)]

    def open(self, data: Buffer) -> Any:
        """Open the first page without what is neither colour nor transparency.

        libvips' own thumbnailing takes a later page of half the size for the same picture, and any
        extra sample for transparency.
        """
        image = _open_page(data, 0)
        page = next(directories(data))
        width, height = _square_size(page)
        if (width, height) != (image.width, image.height):
            across, down = width / image.width, height / image.height
            return image.copy_memory().resize(across, vscale=down, kernel="linear")
        extra, alpha = extra_samples(page), transparency(page)
        if extra == (alpha is not None):
            return image
        colours = image.bands - extra
        visible = image[:colours]
        return visible if alpha is None else visible.bandjoin(image[colours + alpha])


def _orientation_of(page: Directory) -> int:
    try:
        return valid_orientation(page.number(ORIENTATION, UPRIGHT))
    except BrokenStructure:  # of a type that is no number
        return UPRIGHT


def _square_size(page: Directory) -> tuple[int, int]:
    """Return width and height; of a fax, whose pixels are often no squares, with square ones."""
    width, height = page.number(WIDTH), page.number(HEIGHT)
    across, down = page.ratio(X_RESOLUTION), page.ratio(Y_RESOLUTION)
    if page.number(COMPRESSION) not in _FAXES or not across or not down:
        return width, height
    if 1 + _ALMOST_SQUARE < across / down <= _MAX_STRETCH:
        return width, round(height * across / down)
    if 1 + _ALMOST_SQUARE < down / across <= _MAX_STRETCH:
        return round(width * down / across), height
    return width, height


def _name_of_raw(data: Buffer, *, is_broken: bool) -> str | None:
    """Return which raw files of a camera a TIFF is one of that is not taken, if it is."""
    first = next(directories(data))
    if DNG_VERSION in first.fields:
        return RAW.format(kind="DNG")
    if is_broken and WIDTH in first.fields and SUB_DIRECTORIES not in first.fields:
        return None
    make = first.fields.get(MAKE)
    text = data[make.start : min(make.end, make.start + 64)] if make else b""
    return raw_by_maker(text.decode("latin-1").strip("\0"))


def _open_page(data: Buffer, page: int) -> Any:
    options = {"page": page, "access": "sequential", "fail_on": "error"}
    return pyvips.Image.tiffload_source(vips_source(data), **options)
