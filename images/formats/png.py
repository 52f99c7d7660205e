"""PNG, and the animations (APNG) of which the first frame is shown."""

from collections.abc import Iterable
from pathlib import Path

import pyvips

from images.formats.codec import StandardCodec
from images.formats.facts import Facts
from images.metadata.png_chunks import SIGNATURE, strip_png


class PngCodec(StandardCodec):
    """Leaves animations to Pillow: libvips knows their first frame only."""

    vips_loader = "Png"
    has_orientation_in_exif = True

    def matches(self, head: bytes) -> bool:
        """Look for the signature."""
        return head.startswith(SIGNATURE)

    def verify(self, path: Path, facts: Facts) -> None:
        """Decode what the file holds."""
        if facts.frames > 1:
            self.decode_frames(path)
        else:
            pyvips.Image.pngload(str(path), access="sequential", fail_on="truncated").avg()

    def strip(self, data: bytes, orientation: int) -> Iterable[bytes]:
        """Keep the chunks that make the picture."""
        return strip_png(data, orientation)
