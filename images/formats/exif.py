"""The one EXIF field that changes how a picture looks: its orientation (EXIF 2.32, tag 0x0112)."""

import struct

from PIL import Image

ORIENTATION = 0x0112
UPRIGHT = 1
# Those that swap width and height.
SIDEWAYS = frozenset({5, 6, 7, 8})


def orientation_in(image: Image.Image) -> int:
    """Return an opened picture's orientation, 1 where there is none that can be read.

    Read from what the header held: Pillow's own `getexif` decodes a whole PNG to look further.
    """
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif") or b"")
        value = int(exif.get(ORIENTATION, UPRIGHT))
    except Exception:  # noqa: BLE001 (broken EXIF in a good picture: it is shown as it lies)
        return UPRIGHT
    return value if 1 <= value <= 8 else UPRIGHT


def orientation_alone(orientation: int) -> bytes:
    """Return the smallest EXIF data, a TIFF header with one entry, that says an orientation."""
    entry = struct.pack(">HHIHH", ORIENTATION, 3, 1, orientation, 0)
    return b"MM\0*\0\0\0\x08\0\x01" + entry + b"\0\0\0\0"
