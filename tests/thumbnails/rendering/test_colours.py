"""Colours and turns as they should be: references by Pillow from a full decode, or by numpy."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.measures import decibels, reduced, similarity
from tests.pictures import BLUE, GREEN, RED, encoded, exif, frame_count, opened, quarters, waves
from tests.profiles import adobe_rgb, display_p3, four_inks
from thumbnails.sandbox_work import render_thumbnails

UPRIGHT, RELATIVE = 1, ImageCms.Intent.RELATIVE_COLORIMETRIC
# What an EXIF orientation does to the pixels as they lie, so that they stand (EXIF 2.32, 4.6.4).
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


@pytest.fixture
def rendered(tmp_path):
    """Return a function that renders bytes at one height and opens what came of them."""

    def make(content: bytes, height: int) -> Image.Image:
        source = tmp_path / "source"
        source.write_bytes(content)
        [made] = render_thumbnails(source, [height], tmp_path).thumbnails
        return opened(made.path)

    return make


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Return a picture as it stands."""
    for turn in TURNS[orientation]:
        image = image.transpose(turn)
    return image


def in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return what littlecms makes of a picture by its profile."""
    srgb = ImageCms.createProfile("sRGB")
    given = ImageCms.ImageCmsProfile(BytesIO(profile))
    made = ImageCms.profileToProfile(image, given, srgb, RELATIVE, outputMode="RGB")
    assert made is not None
    return made


def alike(ours: Image.Image, reference: Image.Image, least: float = 33.0) -> bool:
    assert ours.size == reference.size
    assert decibels(ours, reference) > least
    assert similarity(ours, reference) > 0.97
    return True


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_every_orientation_in_every_format_stands_upright(rendered, name, orientation):
    lying = waves(320, 240)
    lying.paste(quarters(120, 80), (0, 0))
    quality = {} if name in {"PNG", "TIFF"} else {"quality": 95}
    ours = rendered(encoded(lying, name, exif=exif(orientation), **quality), 100)
    assert alike(ours, reduced(turned(lying, orientation), 100), least=30)
    assert not ours.getexif()


def lying_animation(frames: list[Image.Image], orientation: int) -> bytes:
    """A WebP that says once how all its frames lie."""
    options = {"save_all": True, "append_images": frames[1:], "lossless": True}
    delays = [100, 200, 300]
    return encoded(frames[0], "WEBP", duration=delays, loop=2, exif=exif(orientation), **options)


@pytest.mark.parametrize("orientation", TURNS)
def test_every_frame_of_an_animation_stands_upright(tmp_path, orientation):
    frames = [quarters(120, 80) for _ in range(3)]
    for frame, colour in zip(frames, (RED, GREEN, BLUE), strict=True):
        frame.paste(colour, (48, 32, 72, 48))
    (tmp_path / "source").write_bytes(lying_animation(frames, orientation))
    for made in render_thumbnails(tmp_path / "source", [60, 30], tmp_path).thumbnails:
        ours = opened(made.path)
        assert (frame_count(ours), ours.info["loop"]) == (3, 2)
        assert (made.width_px, made.height_px) == ours.size
        for number, frame in enumerate(frames):
            ours.seek(number)
            expected = reduced(turned(frame, orientation), made.height)
            assert ours.size == expected.size
            assert decibels(ours, expected) > 20  # frames touch while they are reduced
            assert ours.info["duration"] == 100 * (number + 1)


@pytest.mark.parametrize(("profile", "used"), [(display_p3(), True), (b"no profile", False)])
def test_an_animations_colours_become_srgb(tmp_path, profile, used):
    frames = [Image.new("RGB", (120, 80), colour) for colour in ((200, 80, 60), (60, 160, 80))]
    options = {"save_all": True, "append_images": frames[1:], "lossless": True}
    content = encoded(frames[0], "WEBP", duration=100, icc_profile=profile, **options)
    (tmp_path / "source").write_bytes(content)
    ours = opened(render_thumbnails(tmp_path / "source", [40], tmp_path).thumbnails[0].path)
    assert frame_count(ours) == 2
    for number, frame in enumerate(frames):
        ours.seek(number)
        expected = in_srgb(frame, profile) if used else frame
        assert decibels(ours, reduced(expected, 40)) > 38
    assert "icc_profile" not in ours.info


@pytest.mark.parametrize("profile", [display_p3, adobe_rgb])
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_wide_colours_become_srgb(rendered, name, profile):
    source = Image.fromarray(np.uint8(np.asarray(waves(320, 240)) // 2 + 60))
    content = encoded(
        source, name, icc_profile=profile(), **({"quality": 95} if name[0] != "T" else {})
    )
    expected = reduced(in_srgb(source, profile()), 120)
    ours = rendered(content, 120)
    assert alike(ours, expected)
    assert decibels(reduced(source, 120), expected) < 32.5  # without the profile it would differ
    assert "icc_profile" not in ours.info


def stating(content: bytes, primaries: int, curve: int) -> bytes:
    """State other colours in every `colr` box without a profile (ISO/IEC 23091-2)."""
    of_srgb = b"colrnclx" + struct.pack(">HH", 1, 13)
    assert of_srgb in content
    return content.replace(of_srgb, b"colrnclx" + struct.pack(">HH", primaries, curve))


@pytest.mark.parametrize("name", ["AVIF", "HEIC"])
def test_display_p3_that_is_stated_by_numbers_becomes_srgb(rendered, name):
    source = Image.fromarray(np.uint8(np.asarray(waves(320, 240)) // 2 + 60))
    plain = encoded(source, name, quality=95)
    profiled = rendered(encoded(source, name, quality=95, icc_profile=display_p3()), 120)
    stated = rendered(stating(plain, 12, 13), 120)
    assert decibels(stated, profiled) > 40
    assert alike(stated, reduced(in_srgb(source, display_p3()), 120))
    # The same primaries with the curve of television (PQ) are another matter.
    for untouched in (plain, stating(plain, 12, 16)):
        assert decibels(rendered(untouched, 120), reduced(source, 120)) > 35


@pytest.mark.parametrize("name", ["JPEG", "TIFF"])
def test_four_inks_become_srgb_by_their_profile(rendered, name):
    source = Image.fromarray(np.uint8(np.asarray(waves(320, 240)) // 2 + 40)).convert("CMYK")
    quality = {"quality": 95} if name == "JPEG" else {}
    content = encoded(source, name, icc_profile=four_inks(), **quality)
    expected = reduced(in_srgb(source, four_inks()), 120)
    assert alike(rendered(content, 120), expected, least=30)
    assert decibels(reduced(source.convert("RGB"), 120), expected) < 30


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_sixteen_bits_are_rounded_not_cut(rendered, name):
    ramp = np.linspace(0, 65535, 256 * 300).reshape(300, 256).astype(np.uint16)
    ours = rendered(encoded(Image.fromarray(ramp), name), 300)
    expected = Image.fromarray(np.uint8(np.round(ramp / 257.0)))
    assert decibels(ours, expected) > 45


def test_sixteen_bits_a_colour(rendered, tmp_path):
    import pyvips

    ramp = np.linspace(0, 65535, 240 * 160 * 3).reshape(160, 240, 3).astype(np.uint16)
    wide = pyvips.Image.new_from_array(ramp, interpretation="rgb16")
    expected = Image.fromarray(np.uint8(np.round(ramp / 257.0)))
    for content in (wide.tiffsave_buffer(compression="lzw"), wide.pngsave_buffer()):
        assert decibels(rendered(content, 160), expected) > 40


@pytest.mark.parametrize("name", ["PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_transparency_is_kept(rendered, name):
    seen = quarters(200, 160, "RGBA")
    seen.putalpha(Image.linear_gradient("L").resize((200, 160)))
    quality = {} if name in {"PNG", "TIFF"} else {"quality": 95}
    ours = rendered(encoded(seen, name, **quality), 80)
    assert ours.format == "PNG"
    expected = reduced(seen.getchannel("A"), 80)
    assert decibels(ours.getchannel("A"), expected) > 35
    where = np.asarray(expected) > 40  # what can hardly be seen has no colour to compare
    colours = [np.asarray(each.convert("RGB"), float)[where] for each in (ours, reduced(seen, 80))]
    assert np.abs(colours[0] - colours[1]).mean() < 6


def test_light_that_was_multiplied_already_is_not_multiplied_twice(rendered):
    """Associated alpha: the colours of a TIFF may be stored as they look on black."""
    import pyvips

    colours = pyvips.Image.new_from_array(quarters(200, 160)).bandjoin(128)
    content = colours.premultiply().cast("uchar").tiffsave_buffer()
    data = bytearray(content)
    place = data.index(b"\x52\x01\x03\x00\x01\x00\x00\x00")  # ExtraSamples
    data[place + 8] = 1
    ours = rendered(bytes(data), 80)
    found = np.asarray(ours.convert("RGBA"), float)
    assert np.abs(found[5, 5] - (230, 30, 30, 128)).max() <= 4


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK"])
def test_every_kind_of_tiff_looks_as_pillow_reads_it(rendered, mode):
    source = waves(320, 240).convert("L").convert("1") if mode == "1" else waves(320, 240)
    kept = source.quantize(dither=Image.Dither.NONE) if mode == "P" else source.convert(mode)
    ours = rendered(encoded(kept, "TIFF", compression="tiff_lzw"), 240)
    if mode == "CMYK":  # no profile: the general idea of four inks, not Pillow's
        return alike_in_hue(ours, kept.convert("RGB"))
    assert decibels(ours, kept.convert("RGB")) > 28
    return None


def alike_in_hue(ours: Image.Image, reference: Image.Image) -> None:
    a, b = (np.asarray(each.convert("RGB"), float).reshape(-1, 3) for each in (ours, reference))
    assert np.corrcoef(a[:, 0] - a[:, 1], b[:, 0] - b[:, 1])[0, 1] > 0.9


@pytest.mark.parametrize("size", [(9000, 3), (3, 9000), (1, 1)])
@pytest.mark.parametrize("name", ["JPEG", "TIFF", "AVIF", "GIF"])
def test_extreme_shapes_are_neither_enlarged_nor_lost(rendered, name, size):
    ours = rendered(encoded(quarters(*size), name), 200)
    assert ours.height == min(200, size[1])
    assert 1 <= ours.width <= size[0]
