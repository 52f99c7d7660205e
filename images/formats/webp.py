"""WebP, still or animated."""

from collections.abc import Iterable

import pyvips

from images.formats.codec import StandardCodec
from images.formats.errors import BrokenStructure
from images.formats.exif import first_orientation
from images.formats.facts import Facts
from images.formats.limits import Limits, refuse_size
from images.formats.memory import vips_source
from images.formats.scan import Buffer, exif_of_webp, webp_canvas
from images.metadata.dropped import Dropped
from images.metadata.webp_chunks import strip_webp


class WebpCodec(StandardCodec):
    """Refuses a canvas by its size before a decoder allocates it."""

    vips_loader = "Webp"
    has_orientation_in_exif = True

    def matches(self, head: bytes) -> bool:
        """Look for the RIFF header."""
        return head.startswith(b"RIFF") and head[8:12] == b"WEBP"

    def count_frames(self, data: Buffer, limits: Limits) -> int:
        """Read the canvas, and refuse too large a one."""
        canvas = webp_canvas(data)
        if canvas is None:
            raise BrokenStructure("no canvas")
        refuse_size(canvas.width, canvas.height, canvas.frames, limits)
        return canvas.frames

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode every frame."""
        options = {"n": -1, "access": "sequential", "fail_on": "truncated"}
        pyvips.Image.webpload_source(vips_source(data), **options).avg()

    def orientation(self, data: Buffer) -> int:
        """Read the EXIF chunk of an extended file."""
        return first_orientation(exif_of_webp(data))

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Keep the chunks that make the picture."""
        return strip_webp(data, orientation, dropped)
