"""The one EXIF field that changes how a picture looks: its orientation (EXIF 2.32, tag 0x0112)."""

import struct

from PIL import Image

ORIENTATION = 0x0112
UPRIGHT = 1
SWAPS_SIDES = frozenset({5, 6, 7, 8})


def orientation_of(image: Image.Image) -> int:
    """Return the orientation of a picture that Pillow opened, 1 where none can be read.

    Read from what the header held: Pillow's own `getexif` decodes a whole PNG to look further.
    """
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif") or b"")
        value = int(exif.get(ORIENTATION, UPRIGHT))
    except Exception:  # noqa: BLE001 (a good picture with broken EXIF is shown as it is stored)
        return UPRIGHT
    return value if 1 <= value <= 8 else UPRIGHT


def orientation_exif(orientation: int) -> bytes:
    """Return the smallest EXIF data that states an orientation: a TIFF header with one entry."""
    entry = struct.pack(">HHIHH", ORIENTATION, 3, 1, orientation, 0)
    return b"MM\0*\0\0\0\x08\0\x01" + entry + b"\0\0\0\0"
