"""PNG, and the animations (APNG) of which the first frame is shown."""

from collections.abc import Iterable

import pyvips
from PIL import PngImagePlugin

from images.formats.codec import StandardCodec
from images.formats.errors import require
from images.formats.exif import first_orientation
from images.formats.facts import Facts
from images.formats.limits import Limits
from images.formats.memory import vips_source
from images.formats.scan import Buffer, count_text_bytes, exif_of_png, png_chunks
from images.metadata.dropped import Dropped
from images.metadata.png_chunks import SIGNATURE, strip_png

# In all of a file. Drawing programs export texts and profiles of many megabytes.
_MAX_TEXT_BYTES = 64 * 1024**2
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = _MAX_TEXT_BYTES


class PngCodec(StandardCodec):
    """Leaves animations to Pillow: libvips knows their first frame only."""

    vips_loader = "Png"
    has_orientation_in_exif = True

    def matches(self, head: bytes) -> bool:
        """Look for the signature."""
        return head.startswith(SIGNATURE)

    def count_frames(self, data: Buffer, limits: Limits) -> None:
        """Refuse texts and profiles that inflate to too much; Pillow counts the frames."""
        require(count_text_bytes(data, _MAX_TEXT_BYTES) <= _MAX_TEXT_BYTES, "a bomb of text")

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode what the file holds."""
        self.verify_end(data)
        if facts.frames > 1:
            self.decode_frames(data)
        else:
            options = {"access": "sequential", "fail_on": "truncated"}
            pyvips.Image.pngload_source(vips_source(data), **options).avg()

    def verify_end(self, data: Buffer) -> None:
        """Look at what the chunks are called."""
        require(all(kind.isalpha() for kind, *_ in png_chunks(data)), "a chunk of no kind")

    def orientation(self, data: Buffer) -> int:
        """Read the EXIF chunk before the pixels."""
        return first_orientation(exif_of_png(data))

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Keep the chunks that make the picture."""
        return strip_png(data, orientation, dropped)
