"""Lossless removal of what a picture tells beside its pixels: one module for each format.

Gone are EXIF with its place and camera, XMP, IPTC, comments, embedded previews and whatever follows
the end. The pixels' bytes, the colour profile and the orientation stay. What cannot be followed
completely is refused: a picture leaves clean or not at all.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image

from images.cleaning import avif, gif, jpeg, png, webp
from images.cleaning.failure import CleaningFailed
from images.exif import orientation_in

__all__ = ["CleaningFailed", "clean"]

Cleaner = Callable[[bytes, int], Iterable[bytes]]
_CLEANERS: dict[str, Cleaner] = {
    "JPEG": jpeg.cleaned,
    "PNG": png.cleaned,
    "WEBP": webp.cleaned,
    "GIF": gif.cleaned,
    "AVIF": avif.cleaned,
}


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
    with Image.open(source, formats=[fmt]) as image:
        return orientation_in(image)
