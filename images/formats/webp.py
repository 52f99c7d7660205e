"""WebP, still or animated."""

from collections.abc import Iterable
from typing import Any

import pyvips

from images.formats.codec import StandardCodec
from images.formats.errors import BrokenStructure
from images.formats.exif import SWAPS_SIDES, first_orientation
from images.formats.facts import Facts, facts_of
from images.formats.limits import Limits, refuse_size
from images.formats.memory import vips_source
from images.formats.scan import Buffer, Canvas, cut_webp, exif_of_webp, webp_canvas
from images.metadata.dropped import Dropped
from images.metadata.webp_chunks import strip_webp

# A run that no encoder writes by chance, though it may in a picture of one colour.
_MIN_ZEROS = 64


class WebpCodec(StandardCodec):
    """Refuses a canvas by its size before a decoder allocates it."""

    vips_loader = "Webp"
    has_orientation_in_exif = True

    def matches(self, head: bytes) -> bool:
        """Look for the RIFF header."""
        return head.startswith(b"RIFF") and head[8:12] == b"WEBP"

    def describe(self, data: Buffer, limits: Limits) -> Facts:
        """Read the canvas, refuse too large a one, and have libvips read the file's structure."""
        canvas = _canvas_of(data)
        refuse_size(canvas.width, canvas.height, canvas.frames, limits)
        size = canvas.width, canvas.height
        # For a header, too, libvips takes and clears memory for the frame, Pillow for two canvases.
        _load(data, min(size))
        if self.orientation(data) in SWAPS_SIDES:
            size = size[::-1]
        return facts_of(self.format, size, frames=canvas.frames, has_alpha=canvas.has_alpha)

    def load_to_fit(self, data: Buffer, width: int, height: int) -> Any:
        """Have libwebp shrink, which does it line by line."""
        canvas = _canvas_of(data)
        shrink = max(1, canvas.width / width, canvas.height / height)
        return _load(data, min(shrink, canvas.width, canvas.height))

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode every frame."""
        _decode(data)
        self.verify_end(data)

    def verify_end(self, data: Buffer) -> None:
        """Look for zeros in place of data, of which a decoder makes a picture too."""
        _refuse_zeros(data)

    def orientation(self, data: Buffer) -> int:
        """Read the EXIF chunk of an extended file."""
        return first_orientation(exif_of_webp(data))

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Keep the chunks that make the picture."""
        return strip_webp(data, orientation, dropped)

    def strip_structure(self, data: bytes, orientation: int) -> Iterable[bytes]:
        """Do not look for where the pixels end."""
        return strip_webp(data, orientation, Dropped(), keeps_tails=True)


def _canvas_of(data: Buffer) -> Canvas:
    canvas = webp_canvas(data)
    if canvas is None:
        raise BrokenStructure("no canvas")
    return canvas


def _load(data: Buffer, shrink: float) -> Any:
    """Return the first frame, not decoded yet; raises pyvips.Error where chunks are not whole."""
    options = {"access": "sequential", "fail_on": "truncated"}
    return pyvips.Image.webpload_source(vips_source(data), scale=1 / shrink, **options)


def _decode(file: Buffer) -> None:
    options = {"n": -1, "access": "sequential", "fail_on": "truncated"}
    pyvips.Image.webpload_source(vips_source(file), **options).avg()


def _refuse_zeros(data: Buffer) -> None:
    """Raise BrokenStructure where the file turns to zeros before its picture ends.

    To a decoder they are data like any other, and a few of them may end the picture. So they are
    what is missing where the picture does not end before them, yet before their own end.
    """
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    if data[max(0, end - _MIN_ZEROS) : end].strip(b"\0"):
        return
    begin = len(bytes(data[:end]).rstrip(b"\0"))
    if _is_whole(data, end - _MIN_ZEROS // 2) and not _is_whole(data, begin + 1):
        raise BrokenStructure("zeros in place of data")


def _is_whole(data: Buffer, end: int) -> bool:
    """Tell whether a file that ended earlier, and said so, would be whole."""
    try:
        _decode(cut_webp(data, end))
    except (pyvips.Error, BrokenStructure):
        return False
    return True
