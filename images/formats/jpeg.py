"""JPEG: sequential or progressive, in as many scans as the limits allow."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pyvips

from images.formats.codec import StandardCodec
from images.formats.errors import BrokenStructure, require
from images.formats.exif import first_orientation
from images.formats.facts import Facts
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
from images.formats.memory import open_lines, vips_source
from images.formats.scan import Buffer, count_jpeg_scans, exif_of_jpeg
from images.metadata.dropped import Dropped
from images.metadata.jpeg_segments import strip_jpeg

_FACTORS = (8, 4, 2, 1)
# What libjpeg says of the file's end or a marker that comes before all data did.
_MISSING_DATA = re.compile(r"premature end|found marker 0x(?!d[0-7])")
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
        """Decode to an eighth: every bit of entropy-coded data is read all the same."""
        shrink = _FACTORS[0] if min(facts.width, facts.height) >= 2 * _FACTORS[0] else 1
        scans = read_scans(data, MAX_SCANS)
        require(scans.is_whole, "a scan that is missing")
        with _refuse_lossless(scans.frame), with_last_blocks(data, scans) as file:
            _decode_whole(file, shrink)
        _refuse_zeros(data, scans, shrink)

    @contextmanager
    def loaded_to_verify(
        self, data: Buffer, opened: Any, shrink: float
    ) -> Iterator[tuple[Any, Any]]:
        """Take no warning, of which `verify` knows which are harmless."""
        factor = _factor(shrink)
        with with_last_blocks(data, read_scans(data, MAX_SCANS)) as file:
            blocks = open_lines(file, shrink=factor, fail_on="warning")
            yield blocks.crop(0, 0, blocks.width, max(1, opened.height // factor)), blocks

    def verify_end(self, data: Buffer) -> None:
        """Look at the scans, and for zeros in place of data, of which decoders make a picture."""
        scans = read_scans(data, MAX_SCANS)
        require(scans.is_whole, "a scan that is missing")
        _refuse_zeros(data, scans, 1)

    def strip(self, data: bytes, orientation: int, dropped: Dropped) -> Iterable[bytes]:
        """Drop application segments and comments, the colour profile aside."""
        return strip_jpeg(data, orientation, dropped)

    def orientation(self, data: Buffer) -> int:
        """Read the first EXIF segment before the scans."""
        return first_orientation(exif_of_jpeg(data))

    def load(self, data: Buffer, opened: Any, shrink: float) -> Any:
        """Have the decoder itself shrink by the largest of its factors that is allowed.

        libvips' own thumbnailing would have it shrink less.
        """
        return open_lines(decodable(data, read_scans(data, MAX_SCANS)), shrink=_factor(shrink))


def _factor(shrink: float) -> int:
    return next((each for each in _FACTORS if each <= shrink), 1)


@contextmanager
def _refuse_lossless(frame: Frame) -> Iterator[None]:
    """Refuse by its name a lossless JPEG that libjpeg, which knows some of them, cannot decode."""
    try:
        yield
    except Exception as error:
        if not frame.is_lossless or isinstance(error, RefusedPicture):
            raise
        refuse_format(LOSSLESS)


def _decode_whole(file: Any, shrink: int) -> None:
    """Raise pyvips.Error where data is missing; other warnings are no reason to refuse."""
    try:
        _decode(file, shrink, "warning")
    except pyvips.Error as error:
        if _MISSING_DATA.search(str(error)):
            raise
        _decode(file, shrink, "truncated")


def _decode(file: Any, shrink: int, fail_on: str) -> None:
    options = {"shrink": shrink, "access": "sequential", "fail_on": fail_on}
    pyvips.Image.jpegload_source(vips_source(file), **options).avg()


def _refuse_zeros(data: Buffer, scans: Scans, shrink: int) -> None:
    """Raise BrokenStructure where data turns to zeros before the picture ends.

    To a decoder they are data like any other, and may be what a surface of one colour is coded as.
    They are none where the picture ends among them, with more of them to come, or where the codes
    do not allow it; behind the picture they are harmless.
    """
    zeros = find_zeros(data, *scans.data[-1])
    if zeros is None:
        return
    enough = zeros[1] - _FEW_ZEROS
    if scans.is_complete and scans.may_be_zeros and not _is_whole(data, scans, enough, shrink):
        return
    if not scans.is_complete or not _is_whole(data, scans, zeros[0] + 1, shrink):
        raise BrokenStructure("zeros in place of data")


def _is_whole(data: Buffer, scans: Scans, end: int, shrink: int) -> bool:
    """Tell whether the data could end earlier."""
    try:
        with with_last_blocks(data, scans, end) as file:
            _decode_whole(file, shrink)
    except pyvips.Error:
        return False
    return True
