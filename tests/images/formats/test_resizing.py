"""Colours of the one decode: references by Pillow and littlecms from a full decode, or by numpy."""

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.decoding import render_thumbnails
from tests.measures import assert_alike, downscale, psnr
from tests.pictures import encode, frame_count, open_image, quarters, waves
from tests.profiles import adobe_rgb, cmyk_profile, display_p3


def convert_to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return what littlecms makes of a picture by its profile."""
    srgb = ImageCms.createProfile("sRGB")
    given = ImageCms.ImageCmsProfile(BytesIO(profile))
    made = ImageCms.profileToProfile(
        image, given, srgb, ImageCms.Intent.RELATIVE_COLORIMETRIC, outputMode="RGB"
    )
    assert made is not None
    return made


@pytest.mark.parametrize(("profile", "used"), [(display_p3(), True), (b"no profile", False)])
def test_an_animation_is_converted_to_srgb(tmp_path: Path, profile: bytes, used: bool) -> None:
    frames = [Image.new("RGB", (120, 80), colour) for colour in ((200, 80, 60), (60, 160, 80))]
    options = {"save_all": True, "append_images": frames[1:], "lossless": True}
    content = encode(frames[0], "WEBP", duration=100, icc_profile=profile, **options)
    (tmp_path / "source").write_bytes(content)
    ours = open_image(render_thumbnails(tmp_path / "source", [40], tmp_path).thumbnails[0].path)
    assert frame_count(ours) == 2
    for number, frame in enumerate(frames):
        ours.seek(number)
        expected = convert_to_srgb(frame, profile) if used else frame
        assert psnr(ours, downscale(expected, 40)) > 38
    assert "icc_profile" not in ours.info


@pytest.mark.unhurried
@pytest.mark.parametrize("profile", [display_p3, adobe_rgb])
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_a_colour_profile_is_converted_to_srgb(
    render_one: Callable[[bytes, int], Image.Image], name: str, profile: Callable[[], bytes]
) -> None:
    source = Image.fromarray(np.uint8(np.asarray(waves(320, 240)) // 2 + 60))
    content = encode(
        source, name, icc_profile=profile(), **({"quality": 95} if name[0] != "T" else {})
    )
    expected = downscale(convert_to_srgb(source, profile()), 120)
    ours = render_one(content, 120)
    assert_alike(ours, expected)
    assert psnr(downscale(source, 120), expected) < 32.5  # without the profile it would differ
    assert "icc_profile" not in ours.info


def state_colours(content: bytes, primaries: int, curve: int) -> bytes:
    """State other colours in every `colr` box without a profile (ISO/IEC 23091-2)."""
    of_srgb = b"colrnclx" + struct.pack(">HH", 1, 13)
    assert of_srgb in content
    return content.replace(of_srgb, b"colrnclx" + struct.pack(">HH", primaries, curve))


@pytest.mark.parametrize("name", ["AVIF", "HEIC"])
def test_display_p3_stated_by_numbers_is_converted_to_srgb(
    render_one: Callable[[bytes, int], Image.Image], name: str
) -> None:
    source = Image.fromarray(np.uint8(np.asarray(waves(320, 240)) // 2 + 60))
    plain = encode(source, name, quality=95)
    profiled = render_one(encode(source, name, quality=95, icc_profile=display_p3()), 120)
    stated = render_one(state_colours(plain, 12, 13), 120)
    assert psnr(stated, profiled) > 40
    assert_alike(stated, downscale(convert_to_srgb(source, display_p3()), 120))
    assert psnr(render_one(plain, 120), downscale(source, 120)) > 35


@pytest.mark.parametrize("name", ["JPEG", "TIFF"])
def test_cmyk_is_converted_to_srgb_by_its_profile(
    render_one: Callable[[bytes, int], Image.Image], name: str
) -> None:
    source = Image.fromarray(np.uint8(np.asarray(waves(320, 240)) // 2 + 40)).convert("CMYK")
    quality = {"quality": 95} if name == "JPEG" else {}
    content = encode(source, name, icc_profile=cmyk_profile(), **quality)
    expected = downscale(convert_to_srgb(source, cmyk_profile()), 120)
    assert_alike(render_one(content, 120), expected, min_psnr=30)
    assert psnr(downscale(source.convert("RGB"), 120), expected) < 30


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_sixteen_bits_are_rounded_to_eight(
    render_one: Callable[[bytes, int], Image.Image], name: str
) -> None:
    ramp = np.linspace(0, 65535, 256 * 300).reshape(300, 256).astype(np.uint16)
    ours = render_one(encode(Image.fromarray(ramp), name), 300)
    expected = Image.fromarray(np.uint8(np.round(ramp / 257.0)))
    assert psnr(ours, expected) > 45


def test_sixteen_bits_a_colour_become_eight(
    render_one: Callable[[bytes, int], Image.Image], tmp_path: Path
) -> None:
    import pyvips

    ramp = np.linspace(0, 65535, 240 * 160 * 3).reshape(160, 240, 3).astype(np.uint16)
    wide = pyvips.Image.new_from_array(ramp, interpretation="rgb16")
    expected = Image.fromarray(np.uint8(np.round(ramp / 257.0)))
    for content in (wide.tiffsave_buffer(compression="lzw"), wide.pngsave_buffer()):
        assert psnr(render_one(content, 160), expected) > 40


@pytest.mark.parametrize("name", ["PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_transparency_is_kept(render_one: Callable[[bytes, int], Image.Image], name: str) -> None:
    seen = quarters(200, 160, "RGBA")
    seen.putalpha(Image.linear_gradient("L").resize((200, 160)))
    quality = {} if name in {"PNG", "TIFF"} else {"quality": 95}
    ours = render_one(encode(seen, name, **quality), 80)
    assert ours.format == "PNG"
    expected = downscale(seen.getchannel("A"), 80)
    assert psnr(ours.getchannel("A"), expected) > 35
    where = np.asarray(expected) > 40  # what can hardly be seen has no colour to compare
    colours = [
        np.asarray(each.convert("RGB"), float)[where] for each in (ours, downscale(seen, 80))
    ]
    assert np.abs(colours[0] - colours[1]).mean() < 6


def test_associated_alpha_is_not_multiplied_twice(
    render_one: Callable[[bytes, int], Image.Image],
) -> None:
    """Associated alpha: the colours of a TIFF may be stored as they look on black."""
    import pyvips

    colours = pyvips.Image.new_from_array(quarters(200, 160)).bandjoin(128)
    content = colours.premultiply().cast("uchar").tiffsave_buffer()
    data = bytearray(content)
    place = data.index(b"\x52\x01\x03\x00\x01\x00\x00\x00")  # ExtraSamples
    data[place + 8] = 1
    ours = render_one(bytes(data), 80)
    found = np.asarray(ours.convert("RGBA"), float)
    assert np.abs(found[5, 5] - (230, 30, 30, 128)).max() <= 4


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK"])
def test_every_kind_of_tiff_looks_as_pillow_reads_it(
    render_one: Callable[[bytes, int], Image.Image], mode: str
) -> None:
    source = waves(320, 240).convert("L").convert("1") if mode == "1" else waves(320, 240)
    kept = source.quantize(dither=Image.Dither.NONE) if mode == "P" else source.convert(mode)
    ours = render_one(encode(kept, "TIFF", compression="tiff_lzw"), 240)
    if mode == "CMYK":  # no profile: the general idea of four inks, not Pillow's
        return assert_alike_in_hue(ours, kept.convert("RGB"))
    assert psnr(ours, kept.convert("RGB")) > 28
    return None


def assert_alike_in_hue(ours: Image.Image, reference: Image.Image) -> None:
    a, b = (np.asarray(each.convert("RGB"), float).reshape(-1, 3) for each in (ours, reference))
    assert np.corrcoef(a[:, 0] - a[:, 1], b[:, 0] - b[:, 1])[0, 1] > 0.9


@pytest.mark.parametrize("size", [(9000, 3), (3, 9000), (1, 1)])
@pytest.mark.parametrize("name", ["JPEG", "TIFF", "AVIF", "GIF"])
def test_extreme_shapes_are_neither_enlarged_nor_vanish(
    render_one: Callable[[bytes, int], Image.Image], name: str, size: tuple[int, int]
) -> None:
    ours = render_one(encode(quarters(*size), name), 200)
    assert ours.height == min(200, size[1])
    assert 1 <= ours.width <= size[0]
