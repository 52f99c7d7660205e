"""JPEG: sequential or progressive, in as many scans as the limits allow."""

from collections.abc import Iterable
from typing import Any

import pyvips

from images.formats.codec import StandardCodec
from images.formats.errors import require
from images.formats.facts import Facts
from images.formats.limits import Limits, RefusedPicture
from images.formats.memory import vips_source
from images.formats.scan import Buffer, count_jpeg_scans, has_jpeg_end
from images.metadata.dropped import Dropped
from images.metadata.jpeg_segments import strip_jpeg

_FACTORS = (8, 4, 2, 1)


class JpegCodec(StandardCodec):
    """Refuses too many scans, each of which costs a pass over the whole picture."""

    vips_loader = "Jpeg"
    # libvips' own thumbnailing would shrink less while it decodes than `load` does.
    is_shrunk_by_libvips = False
    has_orientation_in_exif = True

    def matches(self, head: bytes) -> bool:
        """Look for the start of image and a marker."""
        return head.startswith(b"\xff\xd8\xff")

    def count_frames(self, data: Buffer, limits: Limits) -> int:
        """Refuse too many scans; Pillow would count previews that follow the picture as frames."""
        if count_jpeg_scans(data, limits.max_scans) > limits.max_scans:
            raise RefusedPicture("too_many_scans", f"More than {limits.max_scans} scans.")
        return 1

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Decode to an eighth: every bit of entropy-coded data is read all the same."""
        shrink = _FACTORS[0] if min(facts.width, facts.height) >= 2 * _FACTORS[0] else 1
        options = {"shrink": shrink, "access": "sequential", "fail_on": "truncated"}
        pyvips.Image.jpegload_source(vips_source(data), **options).avg()
        require(has_jpeg_end(data), "no end of image")

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Drop application segments and comments, the colour profile aside."""
        return strip_jpeg(data, orientation, dropped)

    def load(self, data: Buffer, opened: Any, shrink: float) -> Any:
        """Have the decoder itself shrink by the largest of its factors that is allowed."""
        factor = next((each for each in _FACTORS if each <= shrink), 1)
        options = {"access": "sequential", "shrink": factor, "fail_on": "truncated"}
        return pyvips.Image.new_from_source(vips_source(data), "", **options)
