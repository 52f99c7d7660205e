"""A WebP is written beside a thumbnail where it is smaller, and shows the same picture."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.decoding import render_thumbnails
from tests.measures import downscale, psnr
from tests.pictures import (
    animation,
    encode,
    exif,
    frame_count,
    open_image,
    png,
    quarters,
    rotated_jpeg,
    waves,
)
from thumbnails.rendering import encoding
from thumbnails.renderings import RenderedFile


@pytest.fixture
def render(tmp_path: Path) -> Callable[..., list[RenderedFile]]:
    """Return a function that renders bytes and returns what was written."""

    def render_content(content: bytes, *heights: int, **options: Any) -> list[RenderedFile]:
        (tmp_path / "source").write_bytes(content)
        return render_thumbnails(tmp_path / "source", heights, tmp_path, **options).thumbnails

    return render_content


def noise(width: int, height: int) -> Image.Image:
    """Draw what neither format can shorten well."""
    pixels = np.random.default_rng(7).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def read_frames(path: Path) -> list[tuple[Image.Image, int]]:
    image = open_image(path)
    found = []
    for number in range(frame_count(image)):
        image.seek(number)
        image.load()
        found.append((image.convert("RGB"), image.info["duration"]))
    return found


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_webp_looks_like_a_downscaled_full_decode(
    render: Callable[..., list[RenderedFile]],
    tmp_path: Path,
    decodes: list[tuple[object, ...]],
    name: str,
) -> None:
    content = encode(waves(1200, 900), name, quality=95)
    for made in render(content, 400, 200):
        assert made.webp is not None
        ours = open_image(made.webp)
        assert (ours.format, ours.size) == ("WEBP", (made.width_px, made.height_px))
        full = open_image(tmp_path / "source").convert("RGB")
        assert psnr(ours, downscale(full, made.height)) > 36
        assert made.webp.stat().st_size == made.webp_bytes < made.bytes == made.path.stat().st_size
    assert len(decodes) == 1


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_the_webp_is_upright_and_has_no_metadata(
    render: Callable[..., list[RenderedFile]], orientation: int
) -> None:
    [made] = render(rotated_jpeg(900, 600, orientation), 200)
    assert made.webp is not None
    ours, usual = open_image(made.webp), open_image(made.path)
    assert ours.size == usual.size
    assert psnr(ours, usual) > 30
    assert not ours.getexif()
    assert b"SECRET" not in made.webp.read_bytes()


def test_transparency_is_kept_in_both_files(render: Callable[..., list[RenderedFile]]) -> None:
    seen = waves(600, 600).convert("RGBA")
    seen.putalpha(Image.linear_gradient("L").resize((600, 600)))
    [made] = render(encode(seen, "PNG", exif=exif()), 200)
    assert made.webp is not None
    ours, usual = open_image(made.webp), open_image(made.path)
    assert (usual.format, ours.mode) == ("PNG", "RGBA")
    apart = np.asarray(ours.getchannel("A"), int) - np.asarray(usual.getchannel("A"), int)
    assert np.abs(apart).max() <= 2
    white = Image.new("RGBA", ours.size, "white")
    both = [Image.alpha_composite(white, each) for each in (ours, usual)]
    assert psnr(*both) > 33


def test_a_webp_that_is_no_smaller_is_not_kept(
    render: Callable[..., list[RenderedFile]], tmp_path: Path
) -> None:
    [made] = render(encode(noise(400, 400), "PNG"), 400)
    assert (made.webp, made.webp_bytes) == (None, 0)
    assert not (tmp_path / "400.webp").exists()


def test_the_quality_applies_to_both_files(render: Callable[..., list[RenderedFile]]) -> None:
    content = encode(waves(900, 600), "JPEG", quality=95)
    [low], [high] = render(content, 400, quality=30), render(content, 300, quality=90)
    assert low.bytes < high.bytes
    assert low.webp_bytes < high.webp_bytes


@pytest.mark.parametrize("size", [(1, 1), (17_000, 20), (1, 4000)])
def test_a_side_too_long_for_webp_gets_no_webp(
    render: Callable[..., list[RenderedFile]], size: tuple[int, int]
) -> None:
    [made] = render(png(*size), 4096)
    assert (made.width_px, made.height_px, made.content_type) == (*size, "image/jpeg")
    assert (made.webp is None) == (size == (17_000, 20))


@pytest.mark.parametrize("name", ["GIF", "WEBP"])
def test_an_animation_is_decoded_once_for_all_heights_and_formats(
    render: Callable[..., list[RenderedFile]], decodes: list[tuple[object, ...]], name: str
) -> None:
    colours = [(30 * n, 200 - 20 * n, 90) for n in range(8)]
    made = render(animation(name, colours, [100] * 8, size=300), 200, 100, 50)
    assert [each.height_px for each in made] == [200, 100, 50]
    assert len(decodes) == 1


def test_the_webp_of_an_animated_gif_has_its_frames_delays_and_loop(
    render: Callable[..., list[RenderedFile]], tmp_path: Path
) -> None:
    frames = [waves(300, 240).rotate(20 * n) for n in range(5)]
    frames[0].save(
        tmp_path / "a", "GIF", save_all=True, append_images=frames[1:], duration=120, loop=3
    )
    for made in render((tmp_path / "a").read_bytes(), 120, 60):
        assert made.webp is not None
        usual, ours = read_frames(made.path), read_frames(made.webp)
        # GIF counts how often it is repeated, WebP how often it is shown.
        assert (open_image(made.path).info["loop"], open_image(made.webp).info["loop"]) == (3, 4)
        assert [delay for _, delay in ours] == [delay for _, delay in usual] == [120] * 5
        for (mine, _), (theirs, _), drawn in zip(ours, usual, frames, strict=True):
            assert psnr(mine, theirs) > 25
            assert psnr(mine, downscale(drawn, made.height)) > 25


def test_an_animation_too_large_for_memory_is_decoded_for_each_height(
    render: Callable[..., list[RenderedFile]],
    decodes: list[tuple[object, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is decoded for each height; what fits is kept twice as ever."""
    colours = [(30 * n, 200 - 20 * n, 90) for n in range(8)]
    monkeypatch.setattr(encoding, "_MAX_PIXELS_IN_MEMORY", 8 * 100 * 100)
    large, small = render(animation("GIF", colours, [100] * 8, size=300), 200, 100)
    assert [len(read_frames(made.path)) for made in (large, small)] == [8, 8]
    assert large.webp is None
    assert len(decodes) == 3


def test_a_still_gif_is_rendered_as_jpeg(render: Callable[..., list[RenderedFile]]) -> None:
    [made] = render(encode(quarters(300, 200), "GIF"), 100)
    assert made.content_type == "image/jpeg"
