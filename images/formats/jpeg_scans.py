"""Where the scans of a JPEG lie (ITU-T T.81, annex B), and whether they are all that it needs.

Nothing is decoded. What follows the scan that completes the picture is no part of it, whatever it
is: an end marker, the film of a phone's motion photo, or nothing.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from images.formats.errors import BrokenStructure, require
from images.formats.memory import changed
from images.formats.scan import SOS, Buffer, jpeg_segments, next_marker

END_MARKER = b"\xff\xd9"
_TABLES = 0xC4
# Start of frame in all its kinds (table B.1, and JPEG-LS); C4, C8 and CC are something else.
FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = frozenset({0xC2, 0xCA})
LOSSLESS_FRAME = 0xC3
ARITHMETIC = frozenset({0xC9, 0xCA})
_COEFFICIENTS = 64
# A run that no encoder writes by chance, though it may in a picture of one colour.
_ZEROS = bytes(64)
_PRECISION = 8
# What libjpeg takes (JPEG_MAX_DIMENSION).
_MAX_LINES = 65_500
LOSSLESS = "Lossless JPEG"
_KINDS = {0xF7: "JPEG-LS", 0xCB: LOSSLESS} | dict.fromkeys(
    (0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "Hierarchical JPEG"
)
# What stands behind the data of a picture in one scan instead of its end marker: a decoder that
# asks for more than these bytes misses data, and finds the end of the file. A decoder that misses
# nothing looks eight bytes ahead.
_TAIL = b"\xaa" * 8
# Others to compare it with: a picture that misses nothing is the same with each.
TAILS = (_TAIL, b"\x55" * 8, bytes(8))
_MARKER_BYTE = 0xFF


@dataclass(frozen=True, slots=True)
class Frame:
    """What a start of frame states: its marker, bits of a sample, its components' ids, its height.

    `lines` is the height with which the last blocks are decoded as a whole, `start` where it lies.
    """

    marker: int
    precision: int
    components: bytes
    start: int
    lines: int

    @property
    def is_lossless(self) -> bool:
        """Tell whether it is of the lossless kind that decoders know, if hardly any does."""
        return self.marker == LOSSLESS_FRAME

    @property
    def is_arithmetic(self) -> bool:
        """Tell whether data has no end of its own: decoders read zeros from there on (annex D)."""
        return self.marker in ARITHMETIC


@dataclass(slots=True)
class Scans:
    """The scans of a picture: their frame, and where the data of each begins and ends."""

    frame: Frame
    data: list[tuple[int, int]] = field(default_factory=list)
    # Whether they bring every bit of the picture, or at least all bits of what they bring.
    is_complete: bool = False
    is_consistent: bool = False
    has_end_marker: bool = False
    # Whether zeros could be the data of blocks of one colour.
    may_be_zeros: bool = True

    @property
    def end(self) -> int:
        """Where the last scan's data ends."""
        return self.data[-1][1]

    @property
    def is_whole(self) -> bool:
        """Tell whether no scan is missing.

        Where a scan is left out on purpose the end marker says that none was lost; so it does where
        data has no end of its own, of which a few bytes may be missing.
        """
        if self.frame.is_arithmetic or not self.is_complete:
            return self.is_consistent and self.has_end_marker
        return True

    @property
    def is_single(self) -> bool:
        """Tell whether one scan holds everything, so that a decoder need not read all at first."""
        return len(self.data) == 1 and self.frame.marker not in PROGRESSIVE


def read_frame(data: Buffer) -> Frame:
    """Return the first start of frame; raises BrokenStructure."""
    for marker, start, end in jpeg_segments(data):
        if marker in FRAMES and start <= end <= len(data):
            return _read_frame(marker, data[start:end], start)
    raise BrokenStructure("no frame")


def read_scans(data: Buffer, max_scans: int) -> Scans:
    """Return the scans up to the one that completes the picture; raises BrokenStructure.

    Of the file that was asked for last they are known.
    """
    if _Last.data is not data or _Last.scans is None or _Last.max_scans != max_scans:
        _Last.scans = _read_scans(data, max_scans)
        _Last.data, _Last.max_scans = data, max_scans
    return _Last.scans


class _Last:
    data: Buffer | None = None
    max_scans = 0
    scans: Scans | None = None


def _read_scans(data: Buffer, max_scans: int) -> Scans:
    scans, missing, may_be_zeros = None, _Missing(), True
    for marker, start, end in jpeg_segments(data):
        if not start <= end <= len(data):
            break
        if marker == _TABLES:
            may_be_zeros &= _may_be_zeros(data[start:end])
        elif marker in FRAMES and scans is None:
            scans = Scans(_read_frame(marker, data[start:end], start))
            missing = _Missing.of(scans.frame)
        elif marker == SOS and scans:
            found = next_marker(data, end)
            scans.data.append((end, found[0] if found else len(data)))
            missing.take(data[start:end])
            scans.is_complete, scans.is_consistent = missing.is_nothing, missing.is_consistent
            if scans.is_complete or len(scans.data) > max_scans:
                break
    if scans is None or not scans.data:
        raise BrokenStructure("no scan")
    is_arithmetic = scans.frame.is_arithmetic
    scans.may_be_zeros = not is_arithmetic and (may_be_zeros or not scans.is_single)
    scans.has_end_marker = data[scans.end : scans.end + 2] == END_MARKER
    return scans


def decodable(data: Buffer, scans: Scans) -> Buffer:
    """Return a file that a decoder reads to its end where the picture is whole, and no further.

    A picture in one scan has no end marker then: libjpeg would fill with grey what is missing
    before one, and libvips fails too late or not at all.
    """
    is_open = scans.is_single and not scans.frame.is_arithmetic
    if scans.has_end_marker and not is_open:
        return data
    end, tail = _data_end(data, scans.end), _TAIL if is_open else END_MARKER
    with memoryview(data) as view:
        return b"".join((view[:end], tail))


@contextmanager
def with_last_blocks(
    data: Buffer, scans: Scans, end: int | None = None, tail: bytes = END_MARKER
) -> Iterator[Any]:
    """Yield a file that is high enough for every block to be asked for, with another end.

    At a smaller size, lines at the end of a picture in one scan would be left out. With `end`, the
    data of the last scan ends there; `tail` follows. Until the block ends nobody may read `data`.
    """
    changes = {_data_end(data, scans.end if end is None else end): tail}
    if scans.is_single:
        changes[scans.frame.start + 1] = struct.pack(">H", scans.frame.lines)
    with changed(data, changes) as file:
        yield file


def _data_end(data: Buffer, end: int) -> int:
    """Return where data ends without the first byte of a marker or code that was cut off there.

    With what is put behind, it would make a marker, at which a decoder stops without a word.
    """
    while end and data[end - 1] == _MARKER_BYTE:
        end -= 1
    return end


def find_zeros(data: Buffer, start: int, end: int) -> tuple[int, int] | None:
    """Return where the last long run of zeros between two positions begins and ends."""
    found = data.rfind(_ZEROS, start, end)
    if found < 0:
        return None
    return start + len(data[start:found].rstrip(b"\0")), found + len(_ZEROS)


def kind_of(frame: Frame) -> str | None:
    """Return the name of a kind of JPEG that is not taken; None for one that may be."""
    if frame.marker in _KINDS:
        return _KINDS[frame.marker]
    if frame.is_lossless:
        return None if frame.precision == _PRECISION else LOSSLESS
    return "12-bit JPEG" if frame.precision == 12 else None


def _read_frame(marker: int, body: bytes, start: int) -> Frame:
    require(len(body) >= 6 and len(body) >= 6 + 3 * body[5], "a frame without its components")
    components, sampling = body[6 : 6 + 3 * body[5] : 3], body[7 : 6 + 3 * body[5] : 3]
    blocks = 1 if len(components) == 1 else max((each & 15 for each in sampling), default=1)
    side = 1 if marker == LOSSLESS_FRAME else 8
    height, rows = struct.unpack_from(">H", body, 1)[0], side * max(1, blocks)
    lines = min(-(-height // rows) * rows, _MAX_LINES)
    return Frame(marker, body[0], components, start, lines)


def _may_be_zeros(tables: bytes) -> bool:
    """Tell whether the first code of each Huffman table is that of no change (section B.2.4.2).

    It is all zeros. As any other code it would be followed by the bits of a number.
    """
    position = 0
    while position + 17 < len(tables):
        if tables[position + 17]:
            return False
        position += 17 + sum(tables[position + 1 : position + 17])
    return True


class _Missing:
    """The lowest bit that is still missing of each coefficient of each component."""

    def __init__(self) -> None:
        self._is_progressive = False
        self._bits: dict[int, list[int]] = {}

    @classmethod
    def of(cls, frame: Frame) -> "_Missing":
        missing = cls()
        missing._is_progressive = frame.marker in PROGRESSIVE
        missing._bits = {each: [_COEFFICIENTS] * _COEFFICIENTS for each in frame.components}
        return missing

    def take(self, header: bytes) -> None:
        """Note what a scan brings, by its header (section B.2.3)."""
        count = header[0] if header else 0
        require(len(header) >= 4 + 2 * count, "a scan's header")
        first, last, bits = header[1 + 2 * count : 4 + 2 * count]
        if not self._is_progressive:
            first, last, bits = 0, _COEFFICIENTS - 1, 0
        for component in header[1 : 1 + 2 * count : 2]:
            known = self._bits.get(component, [])
            known[first : last + 1] = [bits & 15] * len(known[first : last + 1])

    @property
    def is_nothing(self) -> bool:
        """Tell whether every bit is there."""
        return not any(any(bits) for bits in self._bits.values())

    @property
    def is_consistent(self) -> bool:
        """Tell whether every component has its mean, and all bits of whatever else was begun.

        Coefficients that no scan brings are zero, as some encoders mean it.
        """
        means = [bits[0] for bits in self._bits.values()]
        begun = {bit for bits in self._bits.values() for bit in bits[1:]} - {_COEFFICIENTS}
        return _COEFFICIENTS not in means and not any(begun | (set(means) if begun else set()))
