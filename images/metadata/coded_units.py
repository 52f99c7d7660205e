"""What decoders pass over in coded pictures: messages of AV1 and HEVC that change no pixel.

Each becomes padding of the same length, which its standard has for that.
"""

import struct

from images.formats.errors import require

# AV1 (section 6.2.2): headers, tiles and frames stay; of metadata (section 6.7.1) what is said of
# light and of layers. Padding and what is reserved loses its content.
_AV1_KEPT = frozenset({1, 2, 3, 4, 6, 7, 8})
_AV1_METADATA, _AV1_PADDING = 5, 15
_AV1_METADATA_KEPT = frozenset({1, 2, 3})
# HEVC (section 7.4.2.2): slices, parameter sets, delimiters and ends.
_HEVC_KEPT = frozenset(range(38))
_HEVC_FILLER, _HEVC_MESSAGES = 38, frozenset({39, 40})
# Messages (annex D) by which a picture looks or is put together; texts of users are 4 and 5.
_HEVC_MESSAGES_KEPT = frozenset({0, 1, 6, 45, 47, 128, 129, 132, 137, 144, 147, 165})


def strip_av1(content: bytes) -> bytes:
    """Return a picture's units, as many bytes; raises BrokenStructure where they do not fit."""
    result, position = bytearray(content), 0
    while position < len(content):
        header = content[position]
        kind, has_extension, has_size = header >> 3 & 15, header >> 2 & 1, header >> 1 & 1
        start = position + 1 + has_extension
        size = len(content) - start
        if has_size:
            size, start = _leb128(content, start)
        end = start + size
        require(end <= len(content), "a unit longer than its picture")
        if not _is_kept_av1(kind, content, start, end):
            result[position] = header & 0x87 | _AV1_PADDING << 3
            result[start:end] = (b"\x80" if size else b"").rjust(size, b"\0")
        position = end
    return bytes(result)


def _is_kept_av1(kind: int, content: bytes, start: int, end: int) -> bool:
    if kind != _AV1_METADATA:
        return kind in _AV1_KEPT
    return start < end and _leb128(content, start)[0] in _AV1_METADATA_KEPT


def _leb128(content: bytes, position: int) -> tuple[int, int]:
    """Return a number (section 4.10.5), and where what follows it begins."""
    value = 0
    for n in range(8):
        require(position + n < len(content), "a number that ends early")
        value |= (content[position + n] & 0x7F) << (7 * n)
        if not content[position + n] & 0x80:
            return value, position + n + 1
    return value, position + 8


def strip_hevc(content: bytes, width: int) -> bytes:
    """Return a picture's units, each behind its length in so many bytes; as many bytes."""
    result, position = bytearray(content), 0
    while position < len(content):
        start = position + width
        end = start + int.from_bytes(content[position:start], "big")
        require(start <= end <= len(content), "a unit longer than its picture")
        result[start:end] = _strip_nal(content[start:end])
        position = end
    return bytes(result)


def strip_hevc_configuration(body: bytes) -> bytes:
    """Return the units of a configuration (`hvcC`), as many bytes."""
    result, position = bytearray(body), 23
    for _ in range(body[22] if len(body) > 22 else 0):
        count = struct.unpack_from(">H", body, position + 1)[0]
        array, position = position, position + 3
        for _ in range(count):
            start = position + 2
            end = start + struct.unpack_from(">H", body, position)[0]
            require(end <= len(body), "a unit longer than its configuration")
            result[start:end] = _strip_nal(body[start:end])
            if end > start and result[start] != body[start]:
                result[array] = body[array] & 0xC0 | _HEVC_FILLER
            position = end
    result[position:] = bytes(len(result) - position)
    return bytes(result)


def _strip_nal(unit: bytes) -> bytes:
    """Return a unit, or padding in its place (section 7.3.2.8)."""
    if len(unit) < 2:
        return unit
    kind = unit[0] >> 1 & 0x3F
    is_kept = kind in _HEVC_KEPT
    if kind in _HEVC_MESSAGES:
        is_kept = all(each in _HEVC_MESSAGES_KEPT for each in _messages(unit[2:]))
    if is_kept:
        return unit
    head = bytes([unit[0] & 0x81 | _HEVC_FILLER << 1, unit[1]])
    return head + (b"\xff" * (len(unit) - 3) + b"\x80" if len(unit) > 2 else b"")


def _messages(content: bytes) -> list[int]:
    """Return the types of messages (section 7.3.5); -1 for what cannot be read."""
    content = content.replace(b"\0\0\3", b"\0\0")
    found, position = [], 0
    while position < len(content) and content[position:] != b"\x80":
        kind, position = _ff_coded(content, position)
        size, position = _ff_coded(content, position)
        found.append(kind)
        position += size
    return found if position <= len(content) else [-1]


def _ff_coded(content: bytes, position: int) -> tuple[int, int]:
    """Return a number (section 7.3.5: 255 for each full byte), and where what follows it begins."""
    last = position
    while last < len(content) and content[last] == 0xFF:
        last += 1
    rest = content[last] if last < len(content) else 0
    return 255 * (last - position) + rest, last + 1
