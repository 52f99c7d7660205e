"""WebP beside the usual file: the same picture, smaller, and only then."""

import numpy as np
import pytest
from PIL import Image

from tests.measures import decibels, reduced
from tests.pictures import (
    animated,
    encoded,
    exif,
    frame_count,
    opened,
    png,
    quarters,
    turned_jpeg,
    waves,
)
from thumbnails.rendering import encoding
from thumbnails.sandbox_work import render_thumbnails


@pytest.fixture
def rendered(tmp_path):
    """Return a function that renders bytes and returns what was written."""

    def make(content, *heights, **options):
        (tmp_path / "source").write_bytes(content)
        return render_thumbnails(tmp_path / "source", heights, tmp_path, **options).thumbnails

    return make


def noise(width, height):
    """Draw what neither format can shorten well."""
    pixels = np.random.default_rng(7).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def frames_of(path):
    image = opened(path)
    found = []
    for number in range(frame_count(image)):
        image.seek(number)
        image.load()
        found.append((image.convert("RGB"), image.info["duration"]))
    return found


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_webp_looks_like_a_full_decode_reduced(rendered, tmp_path, decodes, name):
    content = encoded(waves(1200, 900), name, quality=95)
    for made in rendered(content, 400, 200):
        ours = opened(made.webp)
        assert (ours.format, ours.size) == ("WEBP", (made.width_px, made.height_px))
        full = opened(tmp_path / "source").convert("RGB")
        assert decibels(ours, reduced(full, made.height)) > 36
        assert made.webp.stat().st_size == made.webp_bytes < made.bytes == made.path.stat().st_size
    assert len(decodes) == 1


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_the_webp_is_upright_and_tells_nothing(rendered, orientation):
    [made] = rendered(turned_jpeg(900, 600, orientation), 200)
    ours, usual = opened(made.webp), opened(made.path)
    assert ours.size == usual.size
    assert decibels(ours, usual) > 30
    assert not ours.getexif()
    assert b"SECRET" not in made.webp.read_bytes()


def test_transparency_is_kept_in_both(rendered):
    seen = waves(600, 600).convert("RGBA")
    seen.putalpha(Image.linear_gradient("L").resize((600, 600)))
    [made] = rendered(encoded(seen, "PNG", exif=exif()), 200)
    ours, usual = opened(made.webp), opened(made.path)
    assert (usual.format, ours.mode) == ("PNG", "RGBA")
    apart = np.asarray(ours.getchannel("A"), int) - np.asarray(usual.getchannel("A"), int)
    assert np.abs(apart).max() <= 2
    white = Image.new("RGBA", ours.size, "white")
    both = [Image.alpha_composite(white, each) for each in (ours, usual)]
    assert decibels(*both) > 33


def test_a_webp_that_is_no_smaller_is_not_kept(rendered, tmp_path):
    [made] = rendered(encoded(noise(400, 400), "PNG"), 400)
    assert (made.webp, made.webp_bytes) == (None, 0)
    assert not (tmp_path / "400.webp").exists()


def test_quality_reaches_both_files(rendered):
    content = encoded(waves(900, 600), "JPEG", quality=95)
    [low], [high] = rendered(content, 400, quality=30), rendered(content, 300, quality=90)
    assert low.bytes < high.bytes
    assert low.webp_bytes < high.webp_bytes


@pytest.mark.parametrize("size", [(1, 1), (17_000, 20), (1, 4000)])
def test_what_webp_cannot_hold_is_kept_in_the_usual_format(rendered, size):
    [made] = rendered(png(*size), 4096)
    assert (made.width_px, made.height_px, made.content_type) == (*size, "image/jpeg")
    assert (made.webp is None) == (size == (17_000, 20))


@pytest.mark.parametrize("name", ["GIF", "WEBP"])
def test_an_animation_is_decoded_once_for_all_heights_and_formats(rendered, decodes, name):
    colours = [(30 * n, 200 - 20 * n, 90) for n in range(8)]
    made = rendered(animated(name, colours, [100] * 8, size=300), 200, 100, 50)
    assert [each.height_px for each in made] == [200, 100, 50]
    assert len(decodes) == 1


def test_a_moving_gif_moves_alike_as_webp(rendered, tmp_path):
    frames = [waves(300, 240).rotate(20 * n) for n in range(5)]
    frames[0].save(
        tmp_path / "a", "GIF", save_all=True, append_images=frames[1:], duration=120, loop=3
    )
    for made in rendered((tmp_path / "a").read_bytes(), 120, 60):
        usual, ours = frames_of(made.path), frames_of(made.webp)
        # GIF counts how often it is repeated, WebP how often it is shown.
        assert (opened(made.path).info["loop"], opened(made.webp).info["loop"]) == (3, 4)
        assert [delay for _, delay in ours] == [delay for _, delay in usual] == [120] * 5
        for (mine, _), (theirs, _), drawn in zip(ours, usual, frames, strict=True):
            assert decibels(mine, theirs) > 25
            assert decibels(mine, reduced(drawn, made.height)) > 25


def test_an_animation_too_large_for_the_memory_still_moves(rendered, decodes, monkeypatch):
    """It is decoded for each height; what fits is kept twice as ever."""
    colours = [(30 * n, 200 - 20 * n, 90) for n in range(8)]
    monkeypatch.setattr(encoding, "_MAX_PIXELS_IN_MEMORY", 8 * 100 * 100)
    large, small = rendered(animated("GIF", colours, [100] * 8, size=300), 200, 100)
    assert [len(frames_of(made.path)) for made in (large, small)] == [8, 8]
    assert large.webp is None
    assert len(decodes) == 3


def test_a_still_gif_is_no_animation(rendered):
    [made] = rendered(encoded(quarters(300, 200), "GIF"), 100)
    assert made.content_type == "image/jpeg"
