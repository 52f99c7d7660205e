"""Byte ranges (RFC 9110, section 14): one range is honoured, several get the whole file."""

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


class UnsatisfiableRange(ValueError):
    """A range begins past the end of the file."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Positions of the first and the last byte, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def requested_range(header: str, size: int) -> ByteRange | None:
    """Parse a Range header for a file of `size` bytes.

    Return None if the whole file is to be sent: no header, another unit, several ranges, or a
    malformed one. Raise UnsatisfiableRange (416).
    """
    match = _ONE_RANGE.match(header.strip())
    if not match or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        return _last_bytes(int(last), size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise UnsatisfiableRange
    return ByteRange(int(first), min(int(last or size - 1), size - 1))


def _last_bytes(count: int, size: int) -> ByteRange:
    if count == 0 or size == 0:
        raise UnsatisfiableRange
    return ByteRange(max(0, size - count), size - 1)
