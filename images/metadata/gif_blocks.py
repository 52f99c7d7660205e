"""The blocks of a GIF (GIF89a specification): pictures, how long each is shown, and the loop stay.

A file without its last byte gets it.
"""

from collections.abc import Iterator

import pyvips

from images.formats.errors import BrokenStructure, require
from images.formats.metadata_groups import MetadataGroup
from images.formats.scan import gif_table_bytes
from images.metadata.dropped import UNUSED_BYTES, Dropped
from images.metadata.icc_profiles import strip_profile
from images.metadata.unused_tails import pixels_of, without_unused_tail

SIGNATURES = (b"GIF87a", b"GIF89a")
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_GRAPHIC_CONTROL, _COMMENT, _APPLICATION = 0xF9, 0xFE, 0xFF
_LOOPS = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0"})
_PROFILE = b"ICCRGBG1012"
_APPLICATION_BYTES, _SCREEN_BYTES, _DESCRIPTOR_BYTES, _CONTROL_BYTES = 11, 13, 10, 4
_MAX_SUB_BLOCK = 255
# A loop's first byte is its kind: how often, or how much is to be buffered, with their lengths.
_LOOP_KINDS = {1: 3, 2: 5}


def strip_gif(data: bytes, dropped: Dropped, *, keeps_tails: bool = False) -> Iterator[bytes]:
    """Yield the stripped file piece by piece; raises BrokenStructure or IndexError.

    With `keeps_tails` what no decoder reads of a frame's codes stays, which takes decodes to find.
    """
    require(data.startswith(SIGNATURES), "no signature")
    position = _SCREEN_BYTES + gif_table_bytes(data[10])
    head = data[:position]
    yield head
    while position < len(data) and data[position] != _TRAILER:
        if data[position] == 0:  # between blocks, where a program wrote one end too many
            position += 1
            continue
        start, position = position, _end_of_block(data, position)
        block = data[start:position]
        yield (
            _strip_image(head, block, dropped, keeps_tail=keeps_tails)
            if block[0] == _IMAGE
            else _strip_extension(block, dropped)
        )
    yield bytes([_TRAILER])
    dropped.add_trailer(data[position + 1 :])


def _end_of_block(data: bytes, position: int) -> int:
    if data[position] == _EXTENSION:
        return _skip_sub_blocks(data, position + 2)
    if data[position] == _IMAGE:
        return _skip_sub_blocks(data, position + 11 + gif_table_bytes(data[position + 9]))
    raise BrokenStructure("a block of no known kind")


def _strip_image(head: bytes, block: bytes, dropped: Dropped, *, keeps_tail: bool) -> bytes:
    """Return a picture without codes behind its last pixel."""
    start = _DESCRIPTOR_BYTES + gif_table_bytes(block[9])
    codes = _content(block, start + 1)
    if keeps_tail:
        return block
    small = head[:6] + block[5:9] + head[10:] + block[:1] + bytes(4) + block[5 : start + 1]

    def decode(content: bytes) -> bytes:
        file = small + _sub_blocks(content) + bytes([_TRAILER])
        return pixels_of(file, pyvips.Image.gifload_buffer, fail_on="none")

    stripped = without_unused_tail(codes, decode)
    if stripped == codes:
        return block
    dropped.add(MetadataGroup.OTHER, UNUSED_BYTES)
    return block[: start + 1] + _sub_blocks(stripped)


def _strip_extension(block: bytes, dropped: Dropped) -> bytes:
    """Return an extension as short as it can be; b"" for one that goes."""
    label, name = block[1], block[3 : 3 + _APPLICATION_BYTES]
    stripped = b""
    if label == _GRAPHIC_CONTROL and block[2] >= _CONTROL_BYTES:
        stripped = block[:2] + _sub_blocks(block[3 : 3 + _CONTROL_BYTES])
    elif label == _APPLICATION and name in _LOOPS:
        stripped = block[: 3 + _APPLICATION_BYTES] + _loops(block)
    elif label == _APPLICATION and name == _PROFILE:
        profile = _content(block, 3 + _APPLICATION_BYTES)
        kept = strip_profile(profile)
        if kept == profile:
            return block
        stripped = block[: 3 + _APPLICATION_BYTES] + _sub_blocks(kept) if kept else b""
    if stripped != block:
        _note(dropped, block)
    return stripped


def _loops(block: bytes) -> bytes:
    """Return the sub-blocks that a player reads, each once."""
    found: dict[int, bytes] = {}
    position = 3 + _APPLICATION_BYTES
    while block[position]:
        body = block[position + 1 : position + 1 + block[position]]
        if _LOOP_KINDS.get(body[0] & 7) == len(body):
            found.setdefault(body[0], body)
        position += 1 + block[position]
    return b"".join(bytes([len(each)]) + each for each in found.values()) + b"\0"


def _note(dropped: Dropped, block: bytes) -> None:
    label, application = block[1], block[3:14]
    if label == _COMMENT:
        dropped.add(MetadataGroup.TEXT, "comment")
    elif label == _APPLICATION and application == b"XMP DataXMP":
        dropped.add_xmp(block[14:])
    elif label == _APPLICATION and application == _PROFILE:
        dropped.add(MetadataGroup.PROFILE, "what colour does not need")
    elif label == _APPLICATION:
        dropped.add(MetadataGroup.OTHER, f"application block {application.decode('latin-1')}")
    else:
        dropped.add(MetadataGroup.OTHER, f"extension {label}")


def _content(block: bytes, position: int) -> bytes:
    """Return what sub-blocks hold, from a position on."""
    parts = []
    while block[position]:
        parts.append(block[position + 1 : position + 1 + block[position]])
        position += 1 + block[position]
    return b"".join(parts)


def _sub_blocks(content: bytes) -> bytes:
    starts = range(0, len(content), _MAX_SUB_BLOCK)
    parts = (content[n : n + _MAX_SUB_BLOCK] for n in starts)
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _skip_sub_blocks(data: bytes, position: int) -> int:
    while data[position]:
        position += 1 + data[position]
    require(position < len(data), "sub-blocks that go on past the end")
    return position + 1
