"""Byte ranges (RFC 9110, section 14): one range is honoured, several get the whole file."""

import re
from dataclasses import dataclass

_UNIT = re.compile("bytes=", re.IGNORECASE)
_ONE_RANGE = re.compile("([0-9]{0,18})-([0-9]{0,18})")
# What may stand around a member of a list (RFC 9110, section 5.6.3).
_BLANKS = " \t"


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
    match = _ONE_RANGE.fullmatch(_single_member(header))
    if not match or match[0] == "-":
        return None
    first, last = match.groups()
    if not first:
        return _last_bytes(int(last), size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise UnsatisfiableRange
    return ByteRange(int(first), min(int(last or size - 1), size - 1))


def is_plain_range(header: str, size: int) -> bool:
    """Tell whether a Range header asks for one range that can be sent, in its shortest form."""
    unit = _UNIT.match(header)
    try:
        return bool(
            unit and _ONE_RANGE.fullmatch(header[unit.end() :]) and requested_range(header, size)
        )
    except UnsatisfiableRange:
        return False


def _single_member(header: str) -> str:
    """Return the only range in bytes that a header lists; "" for none or several.

    Empty members of a list count for nothing (section 5.6.1.2).
    """
    header = header.strip(_BLANKS)
    unit = _UNIT.match(header)
    if not unit:
        return ""
    members = [member.strip(_BLANKS) for member in header[unit.end() :].split(",")]
    given = [member for member in members if member]
    return given[0] if len(given) == 1 else ""


def _last_bytes(count: int, size: int) -> ByteRange:
    if count == 0 or size == 0:
        raise UnsatisfiableRange
    return ByteRange(max(0, size - count), size - 1)
