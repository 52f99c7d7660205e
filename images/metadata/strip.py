"""Lossless removal of what a picture tells beside its pixels: one module for each format.

Gone are EXIF with its place and camera, XMP, IPTC, comments, embedded previews and whatever follows
the end. The pixels' bytes, the colour profile and the orientation stay. What cannot be followed
completely is refused: a picture leaves clean or not at all.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image

from images.formats.errors import CleaningFailed
from images.formats.exif import UPRIGHT, orientation_in
from images.metadata import (
    gif,
    heif,
    jpeg,
    png,
    tiff,
    webp,
)

__all__ = ["CleaningFailed", "clean"]

Cleaner = Callable[[bytes, int], Iterable[bytes]]
_CLEANERS: dict[str, Cleaner] = {
    "JPEG": jpeg.cleaned,
    "PNG": png.cleaned,
    "WEBP": webp.cleaned,
    "GIF": gif.cleaned,
    "AVIF": heif.cleaned_avif,
    "HEIC": heif.cleaned_heic,
    "TIFF": tiff.cleaned,
}
_KEEP_ORIENTATION = frozenset({"GIF", "AVIF", "HEIC", "TIFF"})


def clean(source: Path, target: Path, fmt: str) -> bool:
    """Write a clean copy of a picture; False, and nothing written, when there is nothing to drop.

    Raises CleaningFailed. Holds the file in memory, which the tier's upload limit bounds.
    """
    data = source.read_bytes()
    try:
        result = b"".join(_CLEANERS[fmt](data, _orientation(source, fmt)))
    except CleaningFailed:
        raise
    except Exception as error:  # a structure that ends early, in whatever way it shows
        raise CleaningFailed("The picture's structure cannot be followed.") from error
    if result == data:
        return False
    target.write_bytes(result)
    return True


def _orientation(source: Path, fmt: str) -> int:
    """Read it where the cleaner has to write it anew; elsewhere it stays where it is."""
    if fmt in _KEEP_ORIENTATION:
        return UPRIGHT
    with Image.open(source, formats=[fmt]) as image:
        return orientation_in(image)
