"""ThumbHashes are made and drawn as their authors' programs make and draw them."""

import io
from base64 import b64encode

import numpy as np
import pytest
from PIL import Image

from lib.thumbhash import make_thumbhash, thumbhash_png
from tests.pictures import png
from tests.thumbnails.rendering.thumbhash_decoder import draw_thumbhash

# What its authors' program (npm thumbhash 0.1.1) makes of pixels that `draw` computes.
AUTHORS = (
    (24, 18, "opaque", "YQUKNYpQh3eWiYdzeIhod3QQDJzJ"),
    (18, 24, "opaque", "nOYJfQZghouJJ4pXdnl3eXZwGn/6"),
    (100, 100, "opaque", "3wcGFwJmZoSpdllWVpUfJ+80d1ZQmY8H"),
    (24, 3, "opaque", "WjQGOY5wd3eFiHiIgIcIl3c="),
    (1, 24, "opaque", "EfUhuQgIiYaIhoeI94KHCnc="),
    (24, 18, "fading", "YBWGFIYYUHa1iXR5WAfiwKhtoHUWeWGYBw=="),
    (9, 24, "fading", "GNaFOgIXcJxYKqeHkPrIcHR3VXdgSJk="),
    (24, 24, "fading", "nxaGPQYYYHaZl5NqdoZwC3upBlp4oCeDcw=="),
    (8, 8, "clear", "AAiCBQAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="),
    (1, 1, "fading", "VLKpZRUiCPeIh3B/+PeHf3/4CPeIh3B/+A=="),
)


def draw(width: int, height: int, opacity: str) -> list[int]:
    """Compute pixels with numbers that every language computes alike."""
    pixels = []
    for y in range(height):
        for x in range(width):
            alpha = {"opaque": 255, "clear": 0}.get(opacity, (x * 11 + y * y + 30) % 256)
            colours = (x * 7 + y * 3) % 256, (x * y + 40) % 256, (200 + 5 * y - 2 * x) % 256
            pixels += [*colours, alpha]
    return pixels


@pytest.mark.parametrize(("width", "height", "opacity", "expected"), AUTHORS)
def test_a_thumbhash_is_what_its_authors_make(
    width: int, height: int, opacity: str, expected: str
) -> None:
    made = make_thumbhash(width, height, draw(width, height, opacity))
    assert b64encode(made).decode() == expected


def hash_of(image: Image.Image) -> str:
    small = image.convert("RGBA")
    return b64encode(make_thumbhash(*small.size, small.tobytes())).decode()


def fading(width: int, height: int) -> Image.Image:
    """Draw colours that change from corner to corner, and fade away to the right."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    bands = np.stack([x, y, 1 - x, 1 - 0.9 * x], axis=2)
    return Image.fromarray(np.uint8(255 * bands))


@pytest.mark.parametrize("size", [(60, 40), (40, 60), (50, 50), (80, 8), (8, 80)])
@pytest.mark.parametrize("mode", ["RGBA", "RGB"])
def test_a_thumbhash_is_drawn_as_its_authors_draw_it(size: tuple[int, int], mode: str) -> None:
    thumbhash = hash_of(fading(*size).convert(mode))
    with Image.open(io.BytesIO(thumbhash_png(thumbhash))) as seen:
        expected = np.int16(np.asarray(draw_thumbhash(thumbhash)))
        assert (seen.format, seen.mode) == ("PNG", "RGBA")
        assert abs(np.asarray(seen) - expected).max() <= 1


def test_any_stored_thumbhash_is_drawn() -> None:
    """Also one of a few bytes: a picture of one colour."""
    with Image.open(io.BytesIO(png(1, 1))) as one_pixel:
        thumbhash = hash_of(one_pixel)
    assert thumbhash_png(thumbhash)[:8] == b"\x89PNG\r\n\x1a\n"
