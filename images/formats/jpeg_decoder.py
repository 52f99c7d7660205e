"""What libjpeg says of a JPEG while it decodes it, and whether that has all the data it needs.

It says exactly where a bit is missing before a marker. libvips fails at what was said of all lines
but the last few, and keeps what was said of these in its buffer of errors, which is read here.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import pyvips

from images.formats.errors import BrokenStructure, require
from images.formats.jpeg_scans import END_MARKER, TAILS, Scans, with_last_blocks
from images.formats.memory import vips_source
from images.formats.scan import Buffer

# Bytes are missing before a marker, or another marker stands where a restart marker should.
MISSING_DATA = re.compile(r"premature end|found marker 0x(?!d[0-7])")
EXTRANEOUS = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
# More than the blocks of one row, in lines.
_LAST_LINES = 64
# What a decoder of arithmetic codes reads behind data that is whole: two or three bytes, and the
# zeros at its end that no encoder writes, of which there are seldom any.
_ZEROS_READ = 4
_ZEROS = 64
_SHRINK = 8


@contextmanager
def silence() -> Iterator[None]:
    """Raise pyvips.Error where the decoder says something of what is decoded inside."""
    _take_warnings()
    yield
    said = _take_warnings()
    if said:
        raise pyvips.Error("not silent", said)


def _take_warnings() -> str:
    """Return what stands in libvips' buffer of errors, and empty it."""
    return str(pyvips.Error("").detail)


def warning_of(file: Any, *, is_lossless: bool = False) -> str:
    """Return the first thing that the decoder says of a file; "" where it says nothing.

    It is decoded to an eighth, where it is not lossless: every bit of data is read all the same.
    """
    options = {"access": "sequential", "fail_on": "warning"}
    try:
        with silence():
            header = pyvips.Image.jpegload_source(vips_source(file), **options)
            is_large = min(header.width, header.height) >= 2 * _SHRINK
            shrink = _SHRINK if is_large and not is_lossless else 1
            pyvips.Image.jpegload_source(vips_source(file), shrink=shrink, **options).avg()
    except pyvips.Error as error:
        return str(error)
    return ""


def hash_last_lines(file: Any, fail_on: str) -> bytes:
    """Return what tells a picture's last lines from others; raises pyvips.Error."""
    image = pyvips.Image.jpegload_source(vips_source(file), access="sequential", fail_on=fail_on)
    lines = min(image.height, _LAST_LINES)
    strip = image.crop(0, image.height - lines, image.width, lines)
    return sha256(strip.write_to_memory()).digest()


def require_data(data: Buffer, scans: Scans, end: int | None = None) -> None:
    """Raise pyvips.Error or BrokenStructure where the data of the last scan ends too early.

    With `end` it ends there. Other warnings are no reason to refuse.
    """
    if scans.frame.is_arithmetic:
        _require_arithmetic_data(data, scans, end)
        return
    with with_last_blocks(data, scans, end) as file:
        said = warning_of(file, is_lossless=scans.frame.is_lossless)
    require(not MISSING_DATA.search(said), "data that is missing")
    if said:
        _require_same_picture(data, scans, end)


def has_data(data: Buffer, scans: Scans, end: int) -> bool:
    """Tell whether the data of the last scan could end earlier."""
    try:
        require_data(data, scans, end)
    except (pyvips.Error, BrokenStructure):
        return False
    return True


def _require_same_picture(data: Buffer, scans: Scans, end: int | None) -> None:
    """Raise where what follows the data makes a difference.

    Of several things the decoder says the first alone; at the end of a file libvips fails anyway.
    """
    marker, hashes = b"" if scans.is_single else END_MARKER, set()
    for tail in TAILS:
        with with_last_blocks(data, scans, end, tail + marker) as file:
            hashes.add(hash_last_lines(file, "truncated"))
    require(len(hashes) == 1, "data that is missing")


def _require_arithmetic_data(data: Buffer, scans: Scans, end: int | None) -> None:
    """Raise where the decoder reads more zeros than belong to data that is whole."""
    if scans.is_single:
        with with_last_blocks(data, scans, end, bytes(_ZEROS_READ)) as file:
            hash_last_lines(file, "truncated")
        return
    # Of several scans the last is read to its marker, and what is left over is counted.
    with with_last_blocks(data, scans, end, bytes(_ZEROS) + END_MARKER) as file:
        hash_last_lines(file, "none")
        said = EXTRANEOUS.search(warning_of(file))
    left = int(said[1]) if said else 0
    require(left >= _ZEROS - _ZEROS_READ, "data that is missing")
