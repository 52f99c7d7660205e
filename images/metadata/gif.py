"""GIF (GIF89a specification): blocks; of application blocks, those for loop and colour stay."""

from collections.abc import Iterator

from images.formats.errors import CleaningFailed, require
from images.formats.scan import gif_table_bytes

_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_GRAPHIC_CONTROL, _APPLICATION = 0xF9, 0xFF
_APPLICATIONS = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"})
_SCREEN_BYTES = 13


def cleaned(data: bytes, orientation: int) -> Iterator[bytes]:
    """Yield the clean file piece by piece; a GIF has no orientation."""
    require(data[:6] in {b"GIF87a", b"GIF89a"}, "no signature")
    position = _SCREEN_BYTES + gif_table_bytes(data[10])
    yield data[:position]
    while data[position] != _TRAILER:
        end = _end_of_block(data, position)
        if _stays(data, position):
            yield data[position:end]
        position = end
    yield data[position : position + 1]


def _end_of_block(data: bytes, position: int) -> int:
    if data[position] == _EXTENSION:
        return _past_sub_blocks(data, position + 2)
    if data[position] == _IMAGE:
        return _past_sub_blocks(data, position + 11 + gif_table_bytes(data[position + 9]))
    raise CleaningFailed("a block of no known kind")


def _stays(data: bytes, position: int) -> bool:
    if data[position] == _IMAGE:
        return True
    label = data[position + 1]
    if label == _APPLICATION:
        return data[position + 3 : position + 14] in _APPLICATIONS
    return label == _GRAPHIC_CONTROL


def _past_sub_blocks(data: bytes, position: int) -> int:
    while data[position]:
        position += 1 + data[position]
    return position + 1
