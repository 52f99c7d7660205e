"""Every picture gets a correct ThumbHash and dominant colour, also one of an older release."""

import re
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from accounts.models import User
from images.models import Picture
from tests.decoding import render_thumbnails
from tests.factories import make_picture
from tests.measures import psnr
from tests.pictures import BLUE, GREEN, RED, animation, encode, jpeg, quarters
from tests.thumbnails.rendering.thumbhash_decoder import draw_thumbhash, read_thumbhash
from thumbnails.rendering import encoding
from thumbnails.renderings import Placeholder
from thumbnails.services import ensure_thumbnails

pytestmark = pytest.mark.django_db
# What npm thumbhash 0.1.1 makes at 100 pixels of a soft picture, and of one that fades in.
AUTHORS = "3ugJNZBwd3eKh4iId4eIiHZvCBd4"
AUTHORS_FADING = "IRmGG4Y30Jd7d3iHTygMe4B3d3iHiIg="


@pytest.fixture
def placeholder(tmp_path: Path) -> Callable[..., Placeholder]:
    """Return a function that renders a picture and returns its placeholder."""

    def make(image: Image.Image, *heights: int, name: str = "PNG") -> Placeholder:
        (tmp_path / "source").write_bytes(encode(image, name))
        found = render_thumbnails(tmp_path / "source", heights, tmp_path).placeholder
        assert found is not None
        return found

    return make


def soft_picture(width: int, height: int) -> Image.Image:
    """Draw what a ThumbHash can hold: a slow change from corner to corner."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    bands = [0.2 + 0.6 * across, 0.8 - 0.5 * down, 0.3 + 0.4 * across * down]
    return Image.fromarray(np.uint8(255 * np.stack(bands, axis=2)))


@pytest.mark.parametrize("heights", [(), (200,), (400, 200)])
@pytest.mark.parametrize("size", [(640, 480), (480, 640), (600, 600), (90, 60)])
def test_a_thumbhash_looks_like_its_picture(
    placeholder: Callable[..., Placeholder], size: tuple[int, int], heights: tuple[int, ...]
) -> None:
    picture = soft_picture(*size)
    seen = draw_thumbhash(placeholder(picture, *heights).thumbhash)
    assert seen.width / seen.height == pytest.approx(size[0] / size[1], rel=0.1)
    assert psnr(seen, picture.resize(seen.size, Image.Resampling.BOX)) > 25
    assert seen.getchannel("A").getextrema() == (255, 255)


def fading_picture(width: int, height: int) -> Image.Image:
    """Draw a soft picture that is clear at its left and opaque at its right."""
    picture = soft_picture(width, height).convert("RGBA")
    across = np.linspace(0, 255, width).round().astype(np.uint8)
    picture.putalpha(Image.fromarray(np.tile(across, (height, 1))))
    return picture


def test_a_thumbhash_equals_the_reference_implementations(
    placeholder: Callable[..., Placeholder],
) -> None:
    ours = b64decode(placeholder(soft_picture(600, 400), 200).thumbhash)
    theirs = b64decode(AUTHORS)
    nibbles = [
        [part for byte in each for part in (byte & 15, byte >> 4)] for each in (ours, theirs)
    ]
    assert ours[:3] == theirs[:3]
    assert all(abs(a - b) <= 1 for a, b in zip(*nibbles, strict=True))


def test_a_transparent_thumbhash_equals_the_reference_implementations(
    placeholder: Callable[..., Placeholder],
) -> None:
    ours, theirs = (
        thumbhash_fields(placeholder(fading_picture(600, 400), 200).thumbhash),
        thumbhash_fields(AUTHORS_FADING),
    )
    assert ours.keys() == theirs.keys()
    assert all(abs(ours[name] - theirs[name]) <= 1 for name in ours)


def thumbhash_fields(thumbhash: str) -> dict[str | int, int]:
    """Tell apart the numbers in it: means and scales, the shape, then a nibble for each wave."""
    head, shape, rest = read_thumbhash(thumbhash)
    means = {f"mean {at}": head >> at & 63 for at in (0, 6, 12)}
    scales = {"light": head >> 18 & 31, "yellow": shape >> 3 & 63, "red": shape >> 9 & 63}
    exact = {f"alpha {head >> 23}": 0, f"sides {shape & 7}, {shape >> 15}": 0}
    return means | scales | exact | dict(enumerate(rest))


def test_a_thumbhash_has_the_pictures_transparency(placeholder: Callable[..., Placeholder]) -> None:
    seen = draw_thumbhash(placeholder(fading_picture(600, 400), 200).thumbhash)
    expected = fading_picture(*seen.size)
    alpha = [each.getchannel("A") for each in (seen, expected)]
    assert psnr(*alpha) > 20  # as in the authors' own
    on_black = [
        Image.alpha_composite(Image.new("RGBA", seen.size, "black"), x) for x in (seen, expected)
    ]
    assert psnr(*on_black) > 25


@pytest.mark.parametrize(
    ("colours", "expected"),
    [
        ([RED, RED, BLUE], RED),
        ([GREEN, BLUE, BLUE, RED], BLUE),
        ([(255, 255, 255)], (255, 255, 255)),
        ([(0, 0, 0), (0, 0, 0), (250, 250, 250)], (0, 0, 0)),
    ],
)
def test_the_dominant_colour_is_that_of_most_pixels(
    placeholder: Callable[..., Placeholder],
    colours: list[tuple[int, int, int]],
    expected: tuple[int, int, int],
) -> None:
    stripes = Image.new("RGB", (300, 300))
    for number, colour in enumerate(colours):
        share = 300 // len(colours)
        stripes.paste(colour, (number * share, 0, 300, 300))
    found = placeholder(stripes, 200).dominant_color
    channels = list(bytes.fromhex(found[1:]))
    assert all(abs(ours - theirs) <= 12 for ours, theirs in zip(channels, expected, strict=True))


def test_invisible_pixels_do_not_count_for_the_dominant_colour(
    placeholder: Callable[..., Placeholder],
) -> None:
    clear = Image.new("RGBA", (300, 300), (0, 255, 0, 0))
    assert placeholder(clear, 200).dominant_color == "#ffffff"
    clear.paste((*RED, 255), (100, 100, 200, 200))
    red = bytes.fromhex(placeholder(clear, 200).dominant_color[1:])
    assert red[0] > 200 > 80 > max(red[1:])


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1", "CMYK"])
def test_every_pixel_mode_has_a_placeholder(
    placeholder: Callable[..., Placeholder], mode: str
) -> None:
    name = "JPEG" if mode == "CMYK" else "PNG"
    found = placeholder(quarters(90, 60, "RGB").convert(mode), 40, name=name)
    seen = draw_thumbhash(found.thumbhash)
    assert seen.width > seen.height


@pytest.mark.parametrize("name", ["GIF", "WEBP"])
@pytest.mark.parametrize("heights", [(), (100, 50)])
@pytest.mark.parametrize("memory", [12_000_000, 100])
def test_an_animation_has_the_placeholder_of_its_first_frame(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    heights: tuple[int, ...],
    memory: int,
) -> None:
    monkeypatch.setattr(encoding, "_MAX_PIXELS_IN_MEMORY", memory)
    (tmp_path / "source").write_bytes(animation(name, [RED, BLUE, BLUE], [100] * 3, size=200))
    found = render_thumbnails(tmp_path / "source", heights, tmp_path).placeholder
    assert found is not None
    red = bytes.fromhex(found.dominant_color[1:])
    assert red[0] > 180 > 90 > max(red[1:])


@pytest.fixture
def picture(alice: User) -> Picture:
    return make_picture(alice, jpeg(900, 600))


def test_a_picture_gets_its_placeholder_with_its_thumbnails(picture: Picture) -> None:
    assert (picture.thumbhash, picture.dominant_color) == ("", "")
    ensure_thumbnails(picture.pk)
    picture.refresh_from_db()
    assert len(b64decode(picture.thumbhash)) >= 5
    assert re.fullmatch("#[0-9a-f]{6}", picture.dominant_color)
