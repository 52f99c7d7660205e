"""JPEG: sequential or progressive, in as many scans as the limits allow."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from images.formats.codec import StandardCodec
from images.formats.errors import BrokenStructure, require
from images.formats.exif import first_orientation
from images.formats.facts import Facts
from images.formats.jpeg_decoder import has_data, require_data, silence
from images.formats.jpeg_scans import (
    LOSSLESS,
    Frame,
    Scans,
    decodable,
    find_zeros,
    kind_of,
    read_frame,
    read_scans,
    with_last_blocks,
)
from images.formats.limits import MAX_SCANS, Limits, RefusedPicture, refuse_format
from images.formats.memory import open_lines
from images.formats.scan import Buffer, count_jpeg_scans, exif_of_jpeg
from images.metadata.dropped import Dropped
from images.metadata.jpeg_segments import follow_jpeg, strip_jpeg

_FACTORS = (8, 4, 2, 1)
# What a run of them may be longer than the picture needs.
_FEW_ZEROS = 32


class JpegCodec(StandardCodec):
    """Refuses too many scans, each of which costs a pass over the whole picture."""

    vips_loader = "Jpeg"
    has_orientation_in_exif = True

    def matches(self, head: bytes) -> bool:
        """Look for the start of image and a marker."""
        return head.startswith(b"\xff\xd8\xff")

    def describe(self, data: Buffer, limits: Limits) -> Facts:
        """Refuse by their names the kinds of JPEG that hardly anything shows."""
        frame = read_frame(data)
        kind = kind_of(frame)
        if kind:
            refuse_format(kind)
        with _refuse_lossless(frame):
            return super().describe(data, limits)

    def count_frames(self, data: Buffer, limits: Limits) -> int:
        """Refuse too many scans; Pillow would count previews that follow the picture as frames."""
        if count_jpeg_scans(data, limits.max_scans) > limits.max_scans:
            raise RefusedPicture("too_many_scans", f"More than {limits.max_scans} scans.")
        return 1

    def verify(self, data: Buffer, facts: Facts) -> None:
        """Have every bit of entropy-coded data read."""
        scans = read_scans(data, MAX_SCANS)
        require(scans.is_whole, "a scan that is missing")
        with _refuse_lossless(scans.frame):
            require_data(data, scans)
        _refuse_zeros(data, scans)

    @contextmanager
    def loaded_to_verify(
        self, data: Buffer, opened: Any, shrink: float
    ) -> Iterator[tuple[Any, Any]]:
        """Take no warning, of which `verify` knows which are harmless."""
        scans = read_scans(data, MAX_SCANS)
        factor = _factor(scans.frame, shrink)
        require(not scans.frame.is_arithmetic, "data whose end is not told")
        with with_last_blocks(data, scans) as file, silence():
            blocks = open_lines(file, shrink=factor, fail_on="warning")
            yield blocks.crop(0, 0, blocks.width, max(1, opened.height // factor)), blocks

    def verify_end(self, data: Buffer) -> None:
        """Look at the scans, and for zeros in place of data, of which decoders make a picture."""
        scans = read_scans(data, MAX_SCANS)
        require(scans.is_whole, "a scan that is missing")
        _refuse_zeros(data, scans)

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Drop application segments and comments, the colour profile aside."""
        return strip_jpeg(data, orientation, dropped)

    def try_strip(
        self, data: Buffer, facts: Facts, limits: Limits, *, is_silent: bool
    ) -> bool | None:
        """Follow the segments; of the data the decode has told already that nothing is odd."""
        if not is_silent:
            return None
        follow_jpeg(data, self.orientation(data))
        return True

    def orientation(self, data: Buffer) -> int:
        """Read the first EXIF segment before the scans."""
        return first_orientation(exif_of_jpeg(data))

    def load(self, data: Buffer, opened: Any, shrink: float) -> Any:
        """Have the decoder itself shrink by the largest of its factors that is allowed.

        libvips' own thumbnailing would have it shrink less.
        """
        scans = read_scans(data, MAX_SCANS)
        return open_lines(decodable(data, scans), shrink=_factor(scans.frame, shrink))


def _factor(frame: Frame, shrink: float) -> int:
    """Return the largest factor that is allowed; the decoder shrinks no lossless picture.

    Told to, libvips would take the upper left corner for the whole.
    """
    if frame.is_lossless:
        return 1
    return next((each for each in _FACTORS if each <= shrink), 1)


@contextmanager
def _refuse_lossless(frame: Frame) -> Iterator[None]:
    """Refuse by its name a lossless JPEG that libjpeg, which knows some of them, cannot decode."""
    try:
        yield
    except Exception as error:
        if not frame.is_lossless or isinstance(error, RefusedPicture | BrokenStructure):
            raise
        refuse_format(LOSSLESS)


def _refuse_zeros(data: Buffer, scans: Scans) -> None:
    """Raise BrokenStructure where data turns to zeros before the picture ends.

    To a decoder they are data like any other, and may be what a surface of one colour is coded as.
    They are none where the picture ends among them, with more of them to come, or where the codes
    do not allow it; behind the picture they are harmless.
    """
    zeros = find_zeros(data, *scans.data[-1])
    if zeros is None:
        return
    enough = zeros[1] - _FEW_ZEROS
    if scans.is_complete and scans.may_be_zeros and not has_data(data, scans, enough):
        return
    if not scans.is_complete or not has_data(data, scans, zeros[0] + 1):
        raise BrokenStructure("zeros in place of data")
