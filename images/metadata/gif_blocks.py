"""The blocks of a GIF (GIF89a specification): of application blocks, loop and colour stay."""

from collections.abc import Iterator

from images.formats.errors import BrokenStructure, require
from images.formats.metadata_groups import MetadataGroup
from images.formats.scan import gif_table_bytes
from images.metadata.dropped import Dropped

SIGNATURES = (b"GIF87a", b"GIF89a")
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_GRAPHIC_CONTROL, _COMMENT, _APPLICATION = 0xF9, 0xFE, 0xFF
_APPLICATIONS = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"})
_SCREEN_BYTES = 13


def strip_gif(data: bytes, dropped: Dropped) -> Iterator[bytes]:
    """Yield the stripped file piece by piece; raises BrokenStructure or IndexError."""
    require(data.startswith(SIGNATURES), "no signature")
    position = _SCREEN_BYTES + gif_table_bytes(data[10])
    yield data[:position]
    # The trailer may be missing, and zeros stand between blocks.
    while position < len(data) and data[position] != _TRAILER:
        if not data[position]:
            position += 1
            continue
        end = _end_of_block(data, position)
        if _is_kept(data, position):
            yield data[position:end]
        else:
            _note(dropped, data[position:end])
        position = end
    yield bytes([_TRAILER])
    dropped.add_trailer(data[position + 1 :])


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


def _note(dropped: Dropped, block: bytes) -> None:
    label, application = block[1], block[3:14]
    if label == _COMMENT:
        dropped.add(MetadataGroup.TEXT, "comment")
    elif label == _APPLICATION and application == b"XMP DataXMP":
        dropped.add_xmp(block[14:])
    elif label == _APPLICATION:
        dropped.add(MetadataGroup.OTHER, f"application block {application.decode('latin-1')}")
    else:
        dropped.add(MetadataGroup.OTHER, f"extension {label}")


def _skip_sub_blocks(data: bytes, position: int) -> int:
    while data[position]:
        position += 1 + data[position]
    return position + 1
