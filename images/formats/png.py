"""PNG, and the animations (APNG) of which the first frame is shown."""

from collections.abc import Iterable

import pyvips

from images.formats.codec import StandardCodec
from images.formats.exif import first_orientation
from images.formats.facts import Facts
from images.formats.memory import vips_source
from images.formats.scan import Buffer, exif_of_png
from images.metadata.dropped import Dropped
from images.metadata.png_chunks import SIGNATURE, strip_png


class PngCodec(StandardCodec):
    """Leaves animations to Pillow: libvips knows their first frame only."""

    vips_loader = "Png"
    has_orientation_in_exif = True

    def matches(self, head: bytes) -> bool:
        """Look for the signature."""
        return head.startswith(SIGNATURE)

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode what the file holds."""
        if facts.frames > 1:
            self.decode_frames(data)
        else:
            options = {"access": "sequential", "fail_on": "truncated"}
            pyvips.Image.pngload_source(vips_source(data), **options).avg()

    def orientation(self, data: Buffer) -> int:
        """Read the EXIF chunk before the pixels."""
        return first_orientation(exif_of_png(data))

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Keep the chunks that make the picture."""
        return strip_png(data, orientation, dropped)
