"""Every EXIF orientation is applied: compared with what Pillow's transpositions give."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from tests.decoding import render_thumbnails
from tests.measures import assert_alike, downscale, psnr
from tests.pictures import (
    BLUE,
    GREEN,
    RED,
    encode,
    exif,
    frame_count,
    open_image,
    quarters,
    rotated_jpeg,
    waves,
)

# How stored pixels are turned to be shown, by EXIF orientation (EXIF 2.32, 4.6.4).
TURNS = {
    1: (),
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}


def turn(image: Image.Image, orientation: int) -> Image.Image:
    """Return stored pixels as they are shown."""
    for transposition in TURNS[orientation]:
        image = image.transpose(transposition)
    return image


@pytest.mark.unhurried
@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_every_orientation_is_applied_in_every_format(
    render_one: Callable[[bytes, int], Image.Image], name: str, orientation: int
) -> None:
    stored = waves(320, 240)
    stored.paste(quarters(120, 80), (0, 0))
    quality = {} if name in {"PNG", "TIFF"} else {"quality": 95}
    ours = render_one(encode(stored, name, exif=exif(orientation), **quality), 100)
    assert_alike(ours, downscale(turn(stored, orientation), 100), min_psnr=30)
    assert not ours.getexif()


def animation_with_orientation(frames: list[Image.Image], orientation: int) -> bytes:
    """Return a WebP that states one orientation for all its frames."""
    options = {"save_all": True, "append_images": frames[1:], "lossless": True}
    delays = [100, 200, 300]
    return encode(frames[0], "WEBP", duration=delays, loop=2, exif=exif(orientation), **options)


@pytest.mark.parametrize("orientation", TURNS)
def test_the_orientation_is_applied_to_every_frame_of_an_animation(
    tmp_path: Path, orientation: int
) -> None:
    frames = [quarters(120, 80) for _ in range(3)]
    for frame, colour in zip(frames, (RED, GREEN, BLUE), strict=True):
        frame.paste(colour, (48, 32, 72, 48))
    (tmp_path / "source").write_bytes(animation_with_orientation(frames, orientation))
    for made in render_thumbnails(tmp_path / "source", [60, 30], tmp_path).thumbnails:
        ours = open_image(made.path)
        assert (frame_count(ours), ours.info["loop"]) == (3, 2)
        assert (made.width_px, made.height_px) == ours.size
        for number, frame in enumerate(frames):
            ours.seek(number)
            expected = downscale(turn(frame, orientation), made.height)
            assert ours.size == expected.size
            assert psnr(ours, expected) > 20  # frames touch while they are reduced
            assert ours.info["duration"] == 100 * (number + 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_a_jpeg_is_applied(
    render_one: Callable[[bytes, int], Image.Image], tmp_path: Path, orientation: int
) -> None:
    content = rotated_jpeg(300, 200, orientation)
    ours = render_one(content, 100)
    upright = ImageOps.exif_transpose(open_image(tmp_path / "source"))
    assert psnr(ours, downscale(upright, 100)) > 30
    assert not ours.getexif()
