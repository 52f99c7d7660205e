"""TIFF: refused by its fields, shown by its first page, stripped by copying what makes pixels."""

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from images.formats.limits import Limits, RefusedPicture
from tests.decoding import identify, inspect, render_thumbnails, strip
from tests.metadata_fixtures import (
    picture_with_metadata,
    set_tiff_field,
    tiff_field_offset,
    tiff_with_comment_in_strip,
)
from tests.pictures import BLUE, RED, encode, frame_count, open_image, quarters, waves

LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)
WIDTH, COMPRESSION, PHOTOMETRIC, STRIP_BYTES, SAMPLE_FORMAT = 256, 259, 262, 279, 339
ORIENTATION, EXTRA_SAMPLES = 274, 338


@pytest.fixture
def write_source(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "source"
        path.write_bytes(content)
        return path

    return write


def refusal_of(path: Path, limits: Limits = LIMITS) -> tuple[str, str]:
    with pytest.raises(RefusedPicture) as refused:
        identify(path, limits)
    return refused.value.code, refused.value.message


def tiff_of_pages(*sizes: tuple[int, int]) -> bytes:
    images = [
        Image.new("RGB", size, colour) for size, colour in zip(sizes, (RED, BLUE), strict=True)
    ]
    return encode(images[0], "TIFF", save_all=True, append_images=images[1:])


@pytest.mark.parametrize(
    "compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"]
)
def test_common_compressions_of_tiff_are_taken(
    write_source: Callable[[bytes], Path], compression: str | None
) -> None:
    content = encode(quarters(60, 40), "TIFF", compression=compression)
    facts = inspect(write_source(content), LIMITS)
    assert (facts.width, facts.height, facts.frames, facts.extension) == (60, 40, 1, "tif")


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_fax_compressions_of_tiff_are_taken(
    write_source: Callable[[bytes], Path], compression: str
) -> None:
    content = encode(quarters(60, 40).convert("1"), "TIFF", compression=compression)
    assert inspect(write_source(content), LIMITS).format == "TIFF"


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (COMPRESSION, 6),  # old-style JPEG
        (COMPRESSION, 34887),  # LERC
        (PHOTOMETRIC, 32803),  # a camera's raw data
        (PHOTOMETRIC, 8),  # CIELAB
    ],
)
def test_unsupported_kinds_of_tiff_are_refused_by_name(
    write_source: Callable[[bytes], Path], tag: int, value: int
) -> None:
    content = set_tiff_field(encode(quarters(60, 40), "TIFF"), tag, value)
    assert refusal_of(write_source(content)) == (
        "format",
        "TIFF pictures of this kind are not taken.",
    )


def test_samples_that_are_no_unsigned_integers_are_refused(
    write_source: Callable[[bytes], Path],
) -> None:
    for content in (
        pyvips.Image.new_from_array(quarters(60, 40)).cast("float").tiffsave_buffer(),
        encode(quarters(60, 40).convert("YCbCr"), "TIFF"),
        encode(Image.new("I", (60, 40)), "TIFF"),
    ):
        assert refusal_of(write_source(content))[0] == "format"


def test_a_raw_file_that_begins_with_its_preview_is_refused(
    write_source: Callable[[bytes], Path],
) -> None:
    content = encode(quarters(60, 40), "TIFF", tiffinfo={254: 1})
    assert refusal_of(write_source(content))[0] == "format"


def test_pages_count_as_frames_and_the_first_is_shown(
    write_source: Callable[[bytes], Path], tmp_path: Path
) -> None:
    """The second is half as large, which libvips alone would take for a smaller copy."""
    path = write_source(tiff_of_pages((400, 300), (200, 150)))
    facts = inspect(path, LIMITS)
    assert (facts.width, facts.height, facts.frames) == (400, 300, 2)
    [made] = render_thumbnails(path, [100], tmp_path).thumbnails
    red = open_image(made.path).convert("RGB").getpixel((50, 50))
    assert np.abs(np.array(red) - RED).max() < 8


@pytest.mark.parametrize(
    ("content", "limits", "code"),
    [
        (
            set_tiff_field(encode(quarters(60, 40), "TIFF"), WIDTH, 60_000),
            LIMITS,
            "too_many_pixels",
        ),
        (tiff_of_pages((20, 20), (20, 20)), Limits(10**6, 10**6, max_frames=1), "too_many_frames"),
        (tiff_of_pages((20, 20), (20, 20)), Limits(10**6, 500, 799), "too_many_frames"),
        (tiff_of_pages((20, 20), (30, 20)), Limits(10**6, 500), "too_many_pixels"),
        (tiff_of_pages((10, 10), (30, 2)), Limits(10**6, 500, max_side=29), "too_many_pixels"),
    ],
)  # fmt: skip
def test_more_than_a_limit_is_refused_by_the_fields(
    write_source: Callable[[bytes], Path], content: bytes, limits: Limits, code: str
) -> None:
    assert refusal_of(write_source(content), limits)[0] == code


def tiff_with_tiles(width: int, height: int) -> bytes:
    picture = pyvips.Image.new_from_array(waves(64, 64))
    data = picture.tiffsave_buffer(tile=True, tile_width=16, tile_height=16)
    return set_tiff_field(set_tiff_field(data, 322, width), 323, height)


@pytest.mark.parametrize(("width", "height"), [(65_520, 65_520), (0, 16), (1, 1)])
def test_impossible_tiles_are_damage(
    write_source: Callable[[bytes], Path], width: int, height: int
) -> None:
    assert refusal_of(write_source(tiff_with_tiles(width, height)))[0] == "damaged"


@pytest.mark.parametrize(
    "content",
    [
        set_tiff_field(encode(quarters(60, 40), "TIFF"), STRIP_BYTES, 100),
        set_tiff_field(encode(quarters(60, 40), "TIFF"), STRIP_BYTES, 2**31),
        set_tiff_field(encode(quarters(60, 40), "TIFF"), WIDTH, 0),
        b"II*\0\x08\0\0\0\xff\xff",
        b"MM\0*\0\0\0\0",
    ],
)
def test_impossible_strips_are_damage(
    write_source: Callable[[bytes], Path], content: bytes
) -> None:
    assert refusal_of(write_source(content))[0] == "damaged"


def test_pages_that_form_a_circle_are_damage(write_source: Callable[[bytes], Path]) -> None:
    data = bytearray(encode(quarters(60, 40), "TIFF"))
    start = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, start)[0]
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    assert refusal_of(write_source(bytes(data)))[0] == "damaged"


def test_overlapping_strips_are_damage(write_source: Callable[[bytes], Path]) -> None:
    picture = pyvips.Image.new_from_array(waves(640, 640))
    data = bytearray(picture.tiffsave_buffer(tile=True, tile_width=16, tile_height=16))
    at, counted = (tiff_field_offset(bytes(data), tag) for tag in (324, 325))
    count, start = struct.unpack_from("<II", data, at + 4)
    data[start : start + 4 * count] = data[start : start + 4] * count
    assert inspect(write_source(bytes(data)), LIMITS).width == 640
    # Counts that are read from the offsets' own table are as large as the file.
    data[counted + 2 : counted + 12] = data[at + 2 : at + 12]
    assert refusal_of(write_source(bytes(data)))[0] == "damaged"


def test_a_stripped_tiff_keeps_its_pixels_and_no_metadata(
    write_source: Callable[[bytes], Path], tmp_path: Path
) -> None:
    source, target = write_source(picture_with_metadata("TIFF")), tmp_path / "target"
    before = inspect(source, LIMITS)
    assert source.read_bytes().count(b"SECRET") > 10
    assert strip(source, target, "TIFF")
    assert b"SECRET" not in target.read_bytes()
    assert b"adobe" not in target.read_bytes()
    after = inspect(target, LIMITS)
    assert (after.width, after.height) == (before.width, before.height) == (120, 160)
    assert np.array_equal(np.asarray(open_image(source)), np.asarray(open_image(target)))
    stripped = open_image(target)
    assert isinstance(stripped, TiffImageFile)
    assert set(stripped.tag_v2) <= {
        256,
        257,
        258,
        259,
        262,
        273,
        274,
        277,
        278,
        279,
        284,
        317,
    }
    assert strip(target, tmp_path / "again", "TIFF") is False


def test_a_stripped_tiff_keeps_its_pages_but_not_its_previews(
    write_source: Callable[[bytes], Path], tmp_path: Path
) -> None:
    source = write_source(tiff_of_pages((400, 300), (300, 200)) + b"SECRET")
    assert strip(source, tmp_path / "target", "TIFF")
    made = Image.open(BytesIO((tmp_path / "target").read_bytes()))
    assert frame_count(made) == 2
    made.seek(1)
    assert made.size == (300, 200)
    assert frame_count(Image.open(BytesIO(picture_with_metadata("TIFF")))) == 2
    source.write_bytes(picture_with_metadata("TIFF"))
    assert strip(source, tmp_path / "target", "TIFF")
    assert frame_count(Image.open(BytesIO((tmp_path / "target").read_bytes()))) == 1


def test_a_tiff_leaves_without_what_is_no_pixel_in_a_strip(
    write_source: Callable[[bytes], Path], tmp_path: Path
) -> None:
    source = write_source(tiff_with_comment_in_strip())
    facts = inspect(source, LIMITS)
    assert strip(source, tmp_path / "target", "TIFF")
    assert b"SECRET" not in (tmp_path / "target").read_bytes()
    assert inspect(tmp_path / "target", LIMITS) == facts
    before, after = (np.asarray(open_image(tmp_path / each)) for each in (source.name, "target"))
    assert np.array_equal(before, after)


def tiff_with_extra_samples(mode: str, extra: list[tuple[int, int]]) -> bytes:
    """A TIFF of four quarters, each pixel followed by samples: what each is, and its value."""
    colours = np.atleast_3d(np.asarray(quarters(60, 40, mode)))
    planes = [np.full((40, 60, 1), value, np.uint8) for _, value in extra]
    of_mode = {"L": "b-w", "RGB": "srgb", "CMYK": "cmyk"}[mode]
    image = pyvips.Image.new_from_array(np.dstack([colours, *planes]), interpretation=of_mode)
    data = bytearray(image.tiffsave_buffer())
    at = tiff_field_offset(bytes(data), EXTRA_SAMPLES)
    assert struct.unpack_from("<I", data, at + 4)[0] == len(extra)
    struct.pack_into(f"<{len(extra)}H", data, at + 8, *(kind for kind, _ in extra))
    return bytes(data)


@pytest.mark.parametrize(
    ("mode", "extra", "alpha"),
    [
        ("RGB", [(0, 0)], None),
        ("L", [(0, 0)], None),
        ("CMYK", [(0, 0)], None),
        ("RGB", [(0, 0), (0, 0)], None),
        ("RGB", [(2, 128)], 128),
        ("RGB", [(0, 0), (2, 128)], 128),
        ("RGB", [(2, 128), (0, 0)], 128),
        ("L", [(0, 0), (2, 128)], 128),
    ],
)
def test_a_saved_selection_is_not_transparency(
    write_source: Callable[[bytes], Path],
    tmp_path: Path,
    mode: str,
    extra: list[tuple[int, int]],
    alpha: int | None,
) -> None:
    """Photoshop keeps selections as samples that follow the colours, of no kind it names."""
    path = write_source(tiff_with_extra_samples(mode, extra))
    assert inspect(path, LIMITS).has_alpha is (alpha is not None)
    ours = open_image(render_thumbnails(path, [40], tmp_path).thumbnails[0].path)
    assert ours.has_transparency_data is (alpha is not None)
    path.write_bytes(encode(quarters(60, 40, mode), "TIFF"))
    plain = open_image(render_thumbnails(path, [40], tmp_path).thumbnails[0].path)
    seen, expected = (np.asarray(each.convert("RGBA"), int)[5::30, 5::50] for each in (ours, plain))
    assert np.abs(seen[..., :3] - expected[..., :3]).max() < 8
    assert (seen[..., 3] == (alpha or 255)).all()


def test_a_field_of_the_wrong_type_is_damage(write_source: Callable[[bytes], Path]) -> None:
    data = bytearray(encode(quarters(60, 40, "RGBA"), "TIFF"))
    struct.pack_into("<H", data, tiff_field_offset(bytes(data), EXTRA_SAMPLES) + 2, 2)
    assert refusal_of(write_source(bytes(data)))[0] == "damaged"
