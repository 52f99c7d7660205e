"""WebP, still or animated."""

from collections.abc import Iterable

import pyvips

from images.formats.codec import StandardCodec
from images.formats.errors import BrokenStructure
from images.formats.exif import first_orientation
from images.formats.facts import Facts
from images.formats.limits import Limits, refuse_size
from images.formats.memory import vips_source
from images.formats.scan import Buffer, cut_webp, exif_of_webp, webp_canvas
from images.metadata.dropped import Dropped
from images.metadata.webp_chunks import strip_webp

# A run that no encoder writes by chance, though it may in a picture of one colour.
_MIN_ZEROS = 64


class WebpCodec(StandardCodec):
    """Refuses a canvas by its size before a decoder allocates it."""

    vips_loader = "Webp"
    is_shrunk_by_libvips = True
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


def _decode(file: Buffer) -> None:
    options = {"n": -1, "access": "sequential", "fail_on": "truncated"}
    pyvips.Image.webpload_source(vips_source(file), **options).avg()


def _refuse_zeros(data: Buffer) -> None:
    """Raise BrokenStructure where the file turns to zeros before its picture ends.

    To a decoder they are data like any other, and a few of them may end the picture. So they are
    what is missing where the picture does not end before them, yet before their own end.
    """
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    begin = len(bytes(data[:end]).rstrip(b"\0"))
    if end - begin < _MIN_ZEROS:
        return
    if _is_whole(data, end - _MIN_ZEROS // 2) and not _is_whole(data, begin + 1):
        raise BrokenStructure("zeros in place of data")


def _is_whole(data: Buffer, end: int) -> bool:
    """Tell whether a file that ended earlier, and said so, would be whole."""
    try:
        _decode(cut_webp(data, end))
    except (pyvips.Error, BrokenStructure):
        return False
    return True
