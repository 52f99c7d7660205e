"""The one EXIF field that changes how a picture looks: its orientation (EXIF 2.32, tag 0x0112)."""

import struct
from collections.abc import Iterable

ORIENTATION = 0x0112
UPRIGHT = 1
SWAPS_SIDES = frozenset({5, 6, 7, 8})
# SHORT is the standard's; BYTE, LONG and IFD are numbers too, and some programs write them.
_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I"}
_NAME, _NAME_BYTES = b"Exif", 6
_INLINE_BYTES = 4


def orientation_of(block: bytes) -> int:
    """Return the orientation that a block of EXIF states, 1 where it states none that can be read.

    With or without the name before its TIFF header: JPEG needs it, some programs write it elsewhere
    too.
    """
    if block.startswith(_NAME):
        block = block[_NAME_BYTES:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None:
        return UPRIGHT
    try:
        at = struct.unpack_from(f"{order}I", block, 4)[0]
        for n in range(struct.unpack_from(f"{order}H", block, at)[0]):
            entry = at + 2 + 12 * n
            tag, kind, count = struct.unpack_from(f"{order}HHI", block, entry)
            if tag == ORIENTATION:
                return valid_orientation(_first_value(block, order, entry, kind, count))
    except struct.error:  # it ends early, as cameras' blocks do
        pass
    return UPRIGHT


def first_orientation(blocks: Iterable[bytes]) -> int:
    """Return what the first block states; 1 where there is none."""
    return orientation_of(next(iter(blocks), b""))


def valid_orientation(value: int) -> int:
    """Return a stated orientation, 1 for what is none."""
    return value if 1 <= value <= 8 else UPRIGHT


def _first_value(block: bytes, order: str, entry: int, kind: int, count: int) -> int:
    letter = _LETTERS.get(kind)
    if letter is None or not count:
        return UPRIGHT
    at = entry + 8
    if count * struct.calcsize(f"={letter}") > _INLINE_BYTES:
        at = struct.unpack_from(f"{order}I", block, at)[0]
    return int(struct.unpack_from(f"{order}{letter}", block, at)[0])


def orientation_exif(orientation: int) -> bytes:
    """Return the smallest EXIF data that states an orientation: a TIFF header with one entry."""
    entry = struct.pack(">HHIHH", ORIENTATION, 3, 1, orientation, 0)
    return b"MM\0*\0\0\0\x08\0\x01" + entry + b"\0\0\0\0"
