"""ThumbHashes drawn for pages, as their authors' decoder draws them."""

import io
from base64 import b64encode

import numpy as np
import pytest
from PIL import Image
from thash import rgba_to_thumb_hash_pure

from lib.thumbhash import thumbhash_png
from tests.pictures import png
from tests.thumbnails.rendering.thumbhash_decoder import draw_thumbhash


def hash_of(image: Image.Image) -> str:
    small = image.convert("RGBA")
    made = rgba_to_thumb_hash_pure(*small.size, list(small.tobytes()))
    return b64encode(bytes(made)).decode()


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
