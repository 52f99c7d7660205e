"""What stands for a picture until it is loaded: a ThumbHash and its dominant colour."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# Always in pure Python: with numpy the same picture could have another value on another machine.
from thash import rgba_to_thumb_hash_pure

# A ThumbHash keeps at most seven waves to a side: 24 pixels give the same bytes as the 100 that
# its authors allow, in a tenth of the time.
SIDE = 24
# Colours are told apart by the upper three bits of each band: 512 of them.
_COARSE = 5
_VISIBLE = 128
_NOTHING_SHOWS = (255, 255, 255)
Pixel = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Impression:
    """`thumbhash` in base64, `dominant_color` as #rrggbb."""

    thumbhash: str
    dominant_color: str


def impression_of(image: Any) -> Impression:
    """Look at an upright picture in sRGB or grey that is decoded already."""
    small = image.thumbnail_image(SIDE, height=SIDE, size="down").colourspace("srgb")
    values = _values(small)
    thumbhash = bytes(rgba_to_thumb_hash_pure(small.width, small.height, values))
    return Impression(b64encode(thumbhash).decode(), _hexadecimal(_dominant(_pixels(values))))


def _pixels(values: list[int]) -> list[Pixel]:
    return [tuple(values[at : at + 4]) for at in range(0, len(values), 4)]


def _values(image: Any) -> list[int]:
    """Return red, green, blue and alpha of every pixel, from 0 to 255."""
    complete = image if image.hasalpha() else image.bandjoin(255)
    return list(bytes(complete.write_to_memory()))


def _dominant(pixels: Iterable[Pixel]) -> Pixel:
    """Return the mean of the colours that are most alike; white where nothing shows."""
    seen = [pixel[:3] for pixel in pixels if pixel[3] >= _VISIBLE] or [_NOTHING_SHOWS]
    (most, count), *_ = Counter(map(_coarse, seen)).most_common(1)
    alike = [pixel for pixel in seen if _coarse(pixel) == most]
    return tuple(round(sum(band) / count) for band in zip(*alike, strict=True))


def _coarse(pixel: Pixel) -> Pixel:
    return tuple(value >> _COARSE for value in pixel)


def _hexadecimal(pixel: Pixel) -> str:
    return "#" + bytes(pixel).hex()
