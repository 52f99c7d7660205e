"""WebP and AVIF are written beside a thumbnail where smaller, and show the same picture."""

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


@pytest.mark.unhurried
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_what_lies_beside_looks_like_a_downscaled_full_decode(
    render: Callable[..., list[RenderedFile]],
    tmp_path: Path,
    decodes: list[tuple[object, ...]],
    name: str,
) -> None:
    content = encode(waves(1200, 900), name, quality=95)
    for made in render(content, 400, 200):
        assert list(made.beside) == ["webp", "avif"]
        for file in made.beside.values():
            ours = open_image(file)
            expected = (file.suffix[1:].upper(), (made.width_px, made.height_px))
            assert (ours.format, ours.size) == expected
            full = open_image(tmp_path / "source").convert("RGB")
            assert psnr(ours, downscale(full, made.height)) > 36
        sizes = [each.stat().st_size for each in (*made.beside.values(), made.path)]
        assert sizes == [made.webp_bytes, made.avif_bytes, made.bytes]
        assert made.avif_bytes < made.webp_bytes < made.bytes
    assert len(decodes) == 1


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_what_lies_beside_is_upright_and_has_no_metadata(
    render: Callable[..., list[RenderedFile]], orientation: int
) -> None:
    exif_of = {"exif": exif(orientation=orientation)}
    [made] = render(encode(waves(900, 600), "JPEG", **exif_of), 200)
    assert list(made.beside) == ["webp", "avif"]
    for file in made.beside.values():
        ours, usual = open_image(file), open_image(made.path)
        assert ours.size == usual.size
        assert psnr(ours, usual) > 30
        assert not ours.getexif()
        assert b"SECRET" not in file.read_bytes()


@pytest.mark.parametrize("quality", [20, 40, 60, 80, 90])
def test_all_formats_look_alike_at_each_quality(
    render: Callable[..., list[RenderedFile]], quality: int
) -> None:
    """As a photograph has it: what is smooth under what is rough."""
    rough = np.random.default_rng(3).normal(0, 5, (400, 600, 1))
    for _ in range(2):
        rough = (
            rough + np.roll(rough, 1, 0) + np.roll(rough, 1, 1) + np.roll(rough, 1, (0, 1))
        ) / 2
    seen = Image.fromarray(np.clip(np.asarray(waves(600, 400), float) + rough, 0, 255).astype("B"))
    [made] = render(encode(seen, "PNG"), 400, quality=quality)
    likeness = {
        each.suffix: psnr(open_image(each), seen) for each in (made.path, *made.beside.values())
    }
    assert likeness[".avif"] > min(likeness[".jpg"], likeness[".webp"]) - 0.5
    assert likeness[".avif"] < max(likeness.values()) + 2.5
    assert made.avif_bytes < made.webp_bytes


def test_the_lowest_thumbnails_get_an_avif_as_long_as_time_allows(
    render: Callable[..., list[RenderedFile]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond so many pixels in all, a picture would take too long."""
    content = encode(waves(600, 600), "PNG")
    monkeypatch.setattr(encoding, "_MAX_AVIF_PIXELS", 300 * 300 + 400 * 400)
    found = {each.height: "avif" in each.beside for each in render(content, 500, 400, 300)}
    assert found == {500: False, 400: True, 300: True}
    # One that is less high is counted as it is.
    monkeypatch.setattr(encoding, "_MAX_AVIF_PIXELS", 600 * 600)
    [made] = render(content, 5_000)
    assert list(made.beside) == ["webp", "avif"]


def test_a_translucent_picture_gets_no_avif(render: Callable[..., list[RenderedFile]]) -> None:
    """Its transparency would be lossy."""
    seen = waves(600, 600).convert("RGBA")
    seen.putalpha(Image.linear_gradient("L").resize((600, 600)))
    [clear] = render(encode(seen, "PNG"), 200)
    assert list(clear.beside) == ["webp"]


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
    assert (made.webp, made.webp_bytes, made.avif, made.avif_bytes) == (None, 0, None, 0)
    assert {each.name for each in tmp_path.iterdir()} == {"source", "400.jpg"}


def test_an_avif_that_is_no_smaller_than_the_webp_is_not_kept(
    render: Callable[..., list[RenderedFile]], tmp_path: Path
) -> None:
    [made] = render(encode(quarters(400, 400), "PNG"), 400)
    assert list(made.beside) == ["webp"]
    assert {each.name for each in tmp_path.iterdir()} == {"source", "400.jpg", "400.webp"}


def test_the_quality_applies_to_all_files(render: Callable[..., list[RenderedFile]]) -> None:
    content = encode(waves(900, 600), "JPEG", quality=95)
    [low], [high] = render(content, 400, quality=30), render(content, 300, quality=90)
    assert low.bytes < high.bytes
    assert low.webp_bytes < high.webp_bytes
    assert low.avif_bytes < high.avif_bytes


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


@pytest.mark.unhurried
def test_the_webp_of_an_animated_gif_has_its_frames_delays_and_loop(
    render: Callable[..., list[RenderedFile]], tmp_path: Path
) -> None:
    frames = [waves(150, 120).rotate(20 * n) for n in range(5)]
    frames[0].save(
        tmp_path / "a", "GIF", save_all=True, append_images=frames[1:], duration=120, loop=3
    )
    for made in render((tmp_path / "a").read_bytes(), 60, 30):
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
