"""What a decoder passes over in a JPEG's entropy-coded data: it is found by asking the decoder.

libjpeg says how many bytes it passes over before a marker, and where data is missing it says that.
So no code is followed here, and bytes are taken away until it says nothing.
"""

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyvips

from images.formats.errors import BrokenStructure
from images.formats.jpeg_decoder import EXTRANEOUS, MISSING_DATA, hash_last_lines, warning_of
from images.formats.jpeg_scans import ARITHMETIC, FRAMES, LOSSLESS_FRAME, PROGRESSIVE, TAILS

_SOS, _SOI, _EOI = 0xDA, b"\xff\xd8", b"\xff\xd9"
# Of C0 and C1 scans bring whole blocks.
_SEQUENTIAL = frozenset({0xC0, 0xC1})
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
# Places in one file from which bytes are taken; each costs some decodes.
_MAX_PLACES = 40
_MAX_SIDE = 65_500


@dataclass(frozen=True, slots=True)
class Segment:
    """A marker's second byte, what follows its length, and the coded data behind a scan's."""

    marker: int
    body: bytes
    data: bytes = b""

    def written(self) -> bytes:
        """Return the segment as it stands in a file."""
        head = struct.pack(">BBH", 0xFF, self.marker, len(self.body) + 2)
        return head + self.body + self.data


def strip_scans(segments: Sequence[Segment]) -> list[Segment]:
    """Return segments that make a picture, their scans without what a decoder passes over.

    Raises BrokenStructure where it says of the data that it is corrupt: nothing is certain then.
    """
    kept = list(segments)
    for _ in range(_MAX_PLACES):
        warning = _warning_of(kept)
        found = EXTRANEOUS.search(warning)
        if found is None:
            break
        kept = _without_extraneous(kept, int(found[1]), int(found[2], 16))
    else:
        raise BrokenStructure("bytes between the data in too many places")
    is_corrupt = bool(warning) and not MISSING_DATA.search(warning)
    if is_corrupt and _may_hold_more(kept):
        raise BrokenStructure("data that the decoder calls corrupt")
    return _without_rest(kept, is_silent=not is_corrupt)


def _may_hold_more(segments: Sequence[Segment]) -> bool:
    """Tell whether the decoder may pass over bytes elsewhere than behind the last data.

    Of several things it says the first alone.
    """
    scans = [each for each in segments if each.marker == _SOS]
    return len(scans) != 1 or bool(_RESTART.search(scans[0].data))


def _warning_of(segments: Sequence[Segment], end: bytes = _EOI) -> str:
    is_lossless = any(each.marker == LOSSLESS_FRAME for each in segments)
    return warning_of(_file_of(segments, end), is_lossless=is_lossless)


def _file_of(segments: Sequence[Segment], end: bytes = _EOI) -> bytes:
    """Return a file of these segments alone, with parameters that a decoder warns of set right."""
    return b"".join([_SOI, *(_as_usual(each, segments).written() for each in segments), end])


def _as_usual(segment: Segment, segments: Sequence[Segment]) -> Segment:
    """Set what a sequential scan says of progression to what it has to say."""
    if segment.marker != _SOS or not any(each.marker in _SEQUENTIAL for each in segments):
        return segment
    return replace(segment, body=segment.body[:-3] + b"\0\x3f\0")


def _with_all_blocks(segments: Sequence[Segment]) -> list[Segment]:
    """Return the segments of a size at which every block that one scan holds is shown."""
    return [
        _enlarged(each) if each.marker in FRAMES - {LOSSLESS_FRAME} else each for each in segments
    ]


def _enlarged(frame: Segment) -> Segment:
    height, width, count = struct.unpack_from(">HHB", frame.body, 1)
    sampling = frame.body[7 : 6 + 3 * count : 3]
    if count == 1:
        sampling = b"\x11"
    rows, columns = (
        8 * max(1, *(each)) for each in ([n & 15 for n in sampling], [n >> 4 for n in sampling])
    )
    size = [
        min(-(-side // unit) * unit, _MAX_SIDE) for side, unit in ((height, rows), (width, columns))
    ]
    return replace(frame, body=frame.body[:1] + struct.pack(">HH", *size) + frame.body[5:])


def _without_extraneous(segments: list[Segment], count: int, marker: int) -> list[Segment]:
    """Take so many bytes away before the first marker of a kind of which the decoder says it."""
    places = [
        (n, at)
        for n, each in enumerate(segments)
        if each.marker == _SOS
        for at in _ends_of_data(segments, n, marker)
    ]
    wanted = f"{count} extraneous bytes before marker 0x{marker:02x}"

    def is_behind(place: tuple[int, int]) -> bool:
        return wanted in _warning_of(_cut_behind(segments, *place, marker))

    first = _first(len(places), lambda n: is_behind(places[n]))
    if first is None:
        raise BrokenStructure("bytes between the data that are not found")
    number, at = places[first]
    data = segments[number].data
    if at < count:
        raise BrokenStructure("more bytes between the data than there are")
    shorter = replace(segments[number], data=data[: at - count] + data[at:])
    return [*segments[:number], shorter, *segments[number + 1 :]]


def _ends_of_data(segments: list[Segment], number: int, marker: int) -> list[int]:
    """Return where a scan's data ends before a marker of a kind."""
    data = segments[number].data
    ends = [each.start() for each in _RESTART.finditer(data) if data[each.start() + 1] == marker]
    following = segments[number + 1].marker if number + 1 < len(segments) else 0xD9
    return [*ends, len(data)] if following == marker else ends


def _cut_behind(segments: list[Segment], number: int, at: int, marker: int) -> list[Segment]:
    """Return the segments up to a marker that a scan's data has, or that follows it."""
    scan = segments[number]
    if at == len(scan.data):
        return segments[: number + 2]
    return [*segments[:number], replace(scan, data=scan.data[: at + 2])]


def _without_rest(segments: list[Segment], *, is_silent: bool) -> list[Segment]:
    """Take away what lies between the end of the last scan's data and the end of image."""
    last = max((n for n, each in enumerate(segments) if each.marker == _SOS), default=None)
    if last is None:
        raise BrokenStructure("no scan")
    tells = is_silent and not any(each.marker in ARITHMETIC for each in segments)
    search = _EndOfData(segments, last) if tells else _EndByPixels(segments, last)
    data = segments[last].data[: search.find()]
    return [*segments[:last], replace(segments[last], data=data), *segments[last + 1 :]]


class _EndOfData:
    """The search for the end of a scan's data: without its last byte the decoder misses something.

    It says the first of several things alone. What it says of the whole has to be that.
    """

    def __init__(self, segments: list[Segment], last: int) -> None:
        is_progressive = any(each.marker in PROGRESSIVE for each in segments)
        scans = sum(each.marker == _SOS for each in segments)
        self._is_single = scans == 1 and not is_progressive
        self._segments = _with_all_blocks(segments) if self._is_single else segments
        self._last = last
        self._data = segments[last].data
        self._warning = self._warning_of(len(self._data))

    def find(self) -> int:
        """Return how long the data is; raises BrokenStructure where some is missing."""
        length = len(self._data)
        if self._is_single and MISSING_DATA.search(self._warning):
            raise BrokenStructure("data that is missing")
        if not length or not self._is_enough(length - 1):
            return length
        # Most have nothing there, few have much: steps that double find out soon.
        step, enough = 1, length - 1
        while enough and self._is_enough(max(0, enough - step)):
            enough, step = max(0, enough - step), 2 * step
        low = max(0, enough - step)
        found = _first(enough - low, lambda n: self._is_enough(low + n))
        return enough if found is None else low + found

    def _is_enough(self, length: int) -> bool:
        """Tell whether all of the data lies in its beginning."""
        is_same = self._warning_of(length) == self._warning
        return is_same and (not self._warning or self._hash(length) == self._hash(len(self._data)))

    def _warning_of(self, length: int) -> str:
        return _warning_of(self._cut(length))

    def _hash(self, length: int, tail: bytes = b"", end: bytes = _EOI) -> bytes | None:
        """Return what tells the picture from others; None where it cannot be decoded."""
        try:
            return hash_last_lines(_file_of(self._cut(length, tail), end), "truncated")
        except pyvips.Error:
            return None

    def _cut(self, length: int, tail: bytes = b"") -> list[Segment]:
        scan = self._segments[self._last]
        return [*self._segments[: self._last], replace(scan, data=self._data[:length] + tail)]


class _EndByPixels(_EndOfData):
    """The same where the decoder does not tell: what lies behind the data changes no pixel.

    Of arithmetic codes it never misses any, and of data that it calls corrupt it says no more. It
    looks a few bytes ahead.
    """

    def _is_enough(self, length: int) -> bool:
        end = b"" if self._is_single else _EOI
        whole = self._hash(len(self._data))
        return whole is not None and all(self._hash(length, tail, end) == whole for tail in TAILS)


def _first(count: int, holds: Callable[[int], bool]) -> int | None:
    """Return the first number below a count from which on something holds; None for none."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low if low < count else None
