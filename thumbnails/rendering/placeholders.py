"""A picture's placeholder: its ThumbHash and its dominant colour."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from lib.thumbhash import make_thumbhash
from thumbnails.renderings import Placeholder

# A ThumbHash keeps at most seven waves to a side: 24 pixels give the same bytes as the 100 that
# its authors allow, in a tenth of the time.
SIDE = 24
# Colours are compared by the upper three bits of each band: 512 of them.
_COARSE = 5
_MIN_VISIBLE_ALPHA = 128
_WHITE = (255, 255, 255)
Pixel = tuple[int, ...]


def placeholder_of(image: Any) -> Placeholder:
    """Return the placeholder of a decoded picture, which is upright and in sRGB or grey."""
    small = image.thumbnail_image(SIDE, height=SIDE, size="down").colourspace("srgb")
    values = _values(small)
    thumbhash = make_thumbhash(small.width, small.height, values)
    return Placeholder(b64encode(thumbhash).decode(), _as_hex(_dominant(_pixels(values))))


def _pixels(values: list[int]) -> list[Pixel]:
    return [tuple(values[at : at + 4]) for at in range(0, len(values), 4)]


def _values(image: Any) -> list[int]:
    """Return red, green, blue and alpha of every pixel, from 0 to 255."""
    samples = bytes(image.write_to_memory())
    if image.hasalpha():
        return list(samples)
    # Sooner than libvips has another picture set up.
    complete = bytearray(b"\xff") * (4 * image.width * image.height)
    for band in range(3):
        complete[band::4] = samples[band::3]
    return list(complete)


def _dominant(pixels: Iterable[Pixel]) -> Pixel:
    """Return the mean of the colours that are most alike; white where nothing shows."""
    seen = [pixel[:3] for pixel in pixels if pixel[3] >= _MIN_VISIBLE_ALPHA] or [_WHITE]
    # Not `most_common`, which loads a module: a sandboxed process can open no file of one.
    coarse = [(red >> _COARSE, green >> _COARSE, blue >> _COARSE) for red, green, blue in seen]
    most, count = max(Counter(coarse).items(), key=itemgetter(1))
    alike = [pixel for pixel, each in zip(seen, coarse, strict=True) if each == most]
    return tuple(round(sum(band) / count) for band in zip(*alike, strict=True))


def _as_hex(pixel: Pixel) -> str:
    return "#" + bytes(pixel).hex()
