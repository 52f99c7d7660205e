"""Thumbnails show the right pixels: compared with references that other programs computed."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from tests.decoding import render_jpeg, render_thumbnails
from tests.measures import downscale, psnr
from tests.pictures import (
    BLUE,
    GREEN,
    RED,
    animation,
    encode,
    exif,
    frame_count,
    open_image,
    quarters,
    waves,
)
from tests.profiles import display_p3
from thumbnails.renderings import RenderingFailed


@pytest.fixture
def render(tmp_path: Path) -> Callable[..., list[Image.Image]]:
    """Return a function that renders bytes and opens what came of them, largest first."""

    def render_content(content: bytes, *heights: int) -> list[Image.Image]:
        source = tmp_path / "source"
        source.write_bytes(content)
        return [
            open_image(each.path)
            for each in render_thumbnails(source, heights, tmp_path).thumbnails
        ]

    return render_content


@pytest.mark.unhurried
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_thumbnails_look_like_a_downscaled_full_decode(
    render: Callable[..., list[Image.Image]], tmp_path: Path, name: str
) -> None:
    content = encode(waves(720, 540), name, quality=95)
    rendered = render(content, 240, 120)
    full = open_image(tmp_path / "source").convert("RGB")
    for ours, height in zip(rendered, (240, 120), strict=True):
        assert ours.height == height
        assert psnr(ours, downscale(full, height)) > 38


def test_display_p3_becomes_srgb(render: Callable[..., list[Image.Image]]) -> None:
    profile = display_p3()
    source = Image.new("RGB", (300, 300), (200, 80, 60))
    [ours] = render(encode(source, "PNG", icc_profile=profile), 100)
    reference = ImageCms.profileToProfile(
        source,
        ImageCms.ImageCmsProfile(BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
    )
    assert reference is not None
    expected = np.array(reference.getpixel((5, 5)), float)
    assert np.abs(np.array(ours.convert("RGB").getpixel((50, 50)), float) - expected).max() <= 3
    assert np.abs(expected - np.array((200, 80, 60))).max() > 8  # the profile matters
    assert "icc_profile" not in ours.info


def test_cmyk_becomes_rgb(render: Callable[..., list[Image.Image]]) -> None:
    [ours] = render(encode(quarters(200, 200, "CMYK"), "JPEG", quality=95), 100)
    red = ours.convert("RGB").getpixel((10, 10))
    assert isinstance(red, tuple)
    assert red[0] > 150 > max(red[1:])


def test_sixteen_bits_become_eight(render: Callable[..., list[Image.Image]]) -> None:
    ramp = np.tile(np.linspace(0, 65535, 400).astype(np.uint16), (400, 1))
    [ours] = render(encode(Image.fromarray(ramp), "PNG"), 200)
    values = np.asarray(ours.convert("L"), float)[100]
    assert (values[2], values[-3]) == (pytest.approx(1, abs=3), pytest.approx(254, abs=3))
    assert (np.diff(values) >= -1).all()


def test_transparency_is_kept_and_what_is_opaque_becomes_jpeg(
    render: Callable[..., list[Image.Image]],
) -> None:
    seen = quarters(200, 200, "RGBA")
    [opaque] = render(encode(seen, "PNG"), 100)
    seen.putalpha(Image.linear_gradient("L").resize((200, 200)))
    [clear] = render(encode(seen, "PNG"), 100)
    assert (opaque.format, clear.format) == ("JPEG", "PNG")
    alpha = np.asarray(clear.getchannel("A"), float)
    assert alpha[2].mean() < 10 < 240 < alpha[-3].mean()


@pytest.mark.parametrize("name", ["GIF", "WEBP"])
def test_an_animation_keeps_frames_delays_and_loop(
    render: Callable[..., list[Image.Image]], name: str
) -> None:
    content = animation(name, [RED, GREEN, BLUE], [100, 250, 400], size=300)
    [ours] = render(content, 100)
    delays = []
    for frame in range(frame_count(ours)):
        ours.seek(frame)
        ours.load()
        delays.append(ours.info["duration"])
    assert (ours.format, ours.size, delays) == (name, (100, 100), [100, 250, 400])
    assert ours.info["loop"] == 3


@pytest.mark.parametrize("size", [(1, 1), (3, 5000), (10_000, 1), (1, 4000), (50, 40)])
def test_no_picture_is_enlarged_or_vanishes(
    render: Callable[..., list[Image.Image]], size: tuple[int, int]
) -> None:
    content = encode(quarters(*size), "PNG")
    for ours, height in zip(render(content, 400, 200), (400, 200), strict=True):
        assert ours.height == min(size[1], height)
        assert 1 <= ours.width <= size[0]


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_thumbnails_carry_no_metadata(
    render: Callable[..., list[Image.Image]], tmp_path: Path, name: str
) -> None:
    content = encode(quarters(300, 300), name, exif=exif(1, latitude="N"))
    render(content, 100)
    for path in tmp_path.glob("100.*"):
        assert b"SECRET" not in path.read_bytes()


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_decoded_once_for_all_heights(
    render: Callable[..., list[Image.Image]], decodes: list[tuple[object, ...]], name: str
) -> None:
    assert len(render(encode(waves(800, 600), name), 400, 300, 200, 100)) == 4
    assert len(decodes) == 1


def test_a_broken_colour_profile_does_not_cost_the_picture(
    render: Callable[..., list[Image.Image]],
) -> None:
    [ours] = render(encode(quarters(200, 200), "PNG", icc_profile=b"\0" * 200), 100)
    assert ours.size == (100, 100)


@pytest.mark.parametrize("content", [b"", b"no picture", encode(waves(300, 200), "JPEG")[:2000]])
def test_rendering_a_broken_picture_fails_with_a_message_for_people(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "source").write_bytes(content)
    with pytest.raises(RenderingFailed, match="cannot be decoded"):
        render_thumbnails(tmp_path / "source", [100], tmp_path)


@pytest.mark.parametrize("name", ["picture.v", "picture.tif[bigtiff]"])
def test_other_formats_of_libvips_are_not_rendered(tmp_path: Path, name: str) -> None:
    pyvips.Image.new_from_array(quarters(20, 20)).write_to_file(str(tmp_path / name))
    (tmp_path / name.partition("[")[0]).rename(tmp_path / "source")
    with pytest.raises(RenderingFailed):
        render_thumbnails(tmp_path / "source", [10], tmp_path)


def test_a_jpeg_is_rendered_on_white_and_never_enlarged(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
    (tmp_path / "source").write_bytes(encode(clear, "PNG"))
    assert render_jpeg(tmp_path / "source", tmp_path / "a.jpg", width=150) == (150, 100)
    assert render_jpeg(tmp_path / "source", tmp_path / "b.jpg", width=640) == (300, 200)
    made = open_image(tmp_path / "b.jpg")
    assert (made.format, made.getpixel((5, 5))) == ("JPEG", (255, 255, 255))
