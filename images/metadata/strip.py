"""Lossless removal of a picture's metadata.

EXIF with its place and camera, XMP, IPTC, comments, embedded previews and whatever follows the end
are dropped. The pixels' bytes, the colour profile and the orientation stay. A file whose structure
cannot be followed to its end is refused: a picture leaves stripped or not at all.
"""

from pathlib import Path

from PIL import Image

from images.exceptions import StrippingFailed
from images.formats.codec import Codec
from images.formats.detect import codec_named
from images.formats.exif import UPRIGHT, orientation_of


def strip(source: Path, target: Path, format_name: str) -> bool:
    """Write a copy without metadata; return False, and write nothing, when there is none.

    Raises StrippingFailed. Holds the file in memory, which the tier's upload limit bounds.
    """
    data, codec = source.read_bytes(), codec_named(format_name)
    try:
        stripped = b"".join(codec.strip(data, _orientation_to_restore(source, codec)))
    except Exception as error:  # a structure that ends early shows in many ways
        raise StrippingFailed("The picture's structure cannot be followed.") from error
    if stripped == data:
        return False
    target.write_bytes(stripped)
    return True


def _orientation_to_restore(source: Path, codec: Codec) -> int:
    """Return the orientation that goes with the EXIF; elsewhere it stays where it is stated."""
    if not codec.has_orientation_in_exif:
        return UPRIGHT
    with Image.open(source, formats=[codec.format.name]) as image:
        return orientation_of(image)
