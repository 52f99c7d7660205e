"""A GIF whose first frame is smaller than its screen: around it browsers show nothing.

libvips knows transparency where a frame states it, and shows black elsewhere. So the first frame is
made to state a colour as transparent that none of its pixels has.
"""

import struct
from collections.abc import Iterator

from images.formats.memory import open_by_pillow
from images.formats.scan import Buffer, gif_table_bytes, skip_sub_blocks

_IMAGE, _EXTENSION, _GRAPHIC_CONTROL = 0x2C, 0x21, 0xF9
_IS_TRANSPARENT = 1
_COLOURS = 256


def with_clear_surround(data: Buffer) -> Buffer:
    """Return the file itself, or one whose surround is transparent."""
    control = None
    for kind, position in _blocks(data):
        if kind == _GRAPHIC_CONTROL:
            control = position
        elif kind == _IMAGE:
            if _covers_screen(data, position):
                return data
            return _make_transparent(data, position, control)
    return data


def _blocks(data: Buffer) -> Iterator[tuple[int, int]]:
    """Yield what lies before the first image, by labels, and the image, with their positions."""
    position = 13 + gif_table_bytes(data[10]) if len(data) > 10 else len(data)
    while position + 1 < len(data):
        if data[position] == _IMAGE:
            yield _IMAGE, position
            return
        if data[position] == _EXTENSION:
            yield data[position + 1], position
            position = skip_sub_blocks(data, position + 2)
        elif data[position] == 0:
            position += 1
        else:
            return


def _covers_screen(data: Buffer, position: int) -> bool:
    screen = struct.unpack_from("<HH", data, 6)
    left, top, width, height = struct.unpack_from("<HHHH", data, position + 1)
    return bool(left == top == 0 and width >= screen[0] and height >= screen[1])


def _make_transparent(data: Buffer, position: int, control: int | None) -> Buffer:
    if control is not None and data[control + 3] & _IS_TRANSPARENT:
        return data
    unused = _find_unused_colour(data, position)
    if unused is None:
        return data
    if control is None:
        block = bytes([_EXTENSION, _GRAPHIC_CONTROL, 4, _IS_TRANSPARENT, 0, 0, unused, 0])
        return data[:position] + block + data[position:]
    changed = bytearray(data)
    changed[control + 3] |= _IS_TRANSPARENT
    changed[control + 6] = unused
    return bytes(changed)


def _find_unused_colour(data: Buffer, position: int) -> int | None:
    """Return a colour's number that no pixel of the first frame has; None where all are used."""
    code_bits = data[position + 10 + gif_table_bytes(data[position + 9])]
    if code_bits < 8:
        return _COLOURS - 1
    with open_by_pillow(data, "GIF") as image:
        used = image.histogram() if image.mode in {"P", "L"} else []
    return next((number for number, count in enumerate(used[:_COLOURS]) if not count), None)
