"""The blocks of a GIF (GIF89a specification): of application blocks, loop and colour stay."""

from collections.abc import Iterator

from images.formats.errors import BrokenStructure, require
from images.formats.scan import gif_table_bytes

SIGNATURES = (b"GIF87a", b"GIF89a")
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_GRAPHIC_CONTROL, _APPLICATION = 0xF9, 0xFF
_APPLICATIONS = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"})
_SCREEN_BYTES = 13


def strip_gif(data: bytes) -> Iterator[bytes]:
    """Yield the stripped file piece by piece; raises BrokenStructure or IndexError."""
    require(data.startswith(SIGNATURES), "no signature")
    position = _SCREEN_BYTES + gif_table_bytes(data[10])
    yield data[:position]
    while data[position] != _TRAILER:
        end = _end_of_block(data, position)
        if _is_kept(data, position):
            yield data[position:end]
        position = end
    yield data[position : position + 1]


def _end_of_block(data: bytes, position: int) -> int:
    if data[position] == _EXTENSION:
        return _skip_sub_blocks(data, position + 2)
    if data[position] == _IMAGE:
        return _skip_sub_blocks(data, position + 11 + gif_table_bytes(data[position + 9]))
    raise BrokenStructure("a block of no known kind")


def _is_kept(data: bytes, position: int) -> bool:
    if data[position] == _IMAGE:
        return True
    label = data[position + 1]
    if label == _APPLICATION:
        return data[position + 3 : position + 14] in _APPLICATIONS
    return label == _GRAPHIC_CONTROL


def _skip_sub_blocks(data: bytes, position: int) -> int:
    while data[position]:
        position += 1 + data[position]
    return position + 1
