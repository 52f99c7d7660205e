"""Stripped copies: no metadata, not a pixel changed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from images.exceptions import StrippingFailed
from images.formats.inspect import identify
from images.formats.limits import Limits
from images.metadata import gif_blocks, webp_chunks
from images.metadata.strip import can_strip
from images.metadata.strip import strip as strip_bytes
from tests.decoding import strip
from tests.pictures import (
    BLUE,
    RED,
    animation,
    encode,
    exif,
    frame_count,
    jpeg,
    open_image,
    png,
    quarters,
)
from tests.profiles import colours_of, display_p3

LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)
GPS_EXIF = exif(6, latitude="N")
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SECRET-XMP</x:xmpmeta>"


def pixels(path: Path) -> list[np.ndarray]:
    with Image.open(path) as image:
        frames = 1 if image.format == "MPO" else frame_count(image)
        found = []
        for frame in range(frames):
            image.seek(frame)
            found.append(np.asarray(image).copy())
        return found


def strip_and_compare(tmp_path: Path, content: bytes, name: str) -> bytes:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    assert strip(source, target, name) is True
    for before, after in zip(pixels(source), pixels(target), strict=True):
        assert np.array_equal(before, after)
    assert strip(target, tmp_path / "again", name) is False
    return target.read_bytes()


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_exif_is_removed_but_the_orientation_stays(tmp_path: Path, name: str) -> None:
    content = encode(quarters(40, 30), name, exif=GPS_EXIF)
    assert b"SECRET-CAMERA" in content
    result = strip_and_compare(tmp_path, content, name)
    assert b"SECRET-CAMERA" not in result
    before, after = (open_image(tmp_path / each) for each in ("source", "target"))
    assert after.getexif().get(0x0112) == before.getexif().get(0x0112) == 6
    assert not after.getexif().get_ifd(0x8825)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
def test_xmp_is_removed_but_the_colour_profile_stays(tmp_path: Path, name: str) -> None:
    profile = display_p3()
    content = (
        encode(quarters(40, 30), name, xmp=XMP, icc_profile=profile)
        if name != "PNG"
        else (png(40, 30, icc_profile=profile, exif=GPS_EXIF))
    )
    result = strip_and_compare(tmp_path, content, name)
    assert b"SECRET" not in result
    kept = open_image(tmp_path / "target").info["icc_profile"]
    assert colours_of(kept) == colours_of(profile)


def test_comments_are_removed(tmp_path: Path) -> None:
    assert b"SECRET" not in strip_and_compare(tmp_path, jpeg(40, 30, comment=b"SECRET"), "JPEG")
    content = encode(quarters(40, 30), "GIF", comment=b"SECRET")
    assert b"SECRET" not in strip_and_compare(tmp_path, content, "GIF")


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
def test_bytes_after_the_end_are_removed(tmp_path: Path, name: str) -> None:
    content = encode(quarters(40, 30), name)
    assert strip_and_compare(tmp_path, content + b"SECRET", name) == content


def test_a_second_picture_in_a_jpeg_is_removed(tmp_path: Path) -> None:
    content = encode(quarters(64, 48), "MPO", save_all=True, append_images=[quarters(32, 24)])
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    assert strip(source, target, "JPEG")
    assert open_image(target).format == "JPEG"
    assert target.read_bytes().count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG"])
def test_an_animation_keeps_its_frames_and_loop(tmp_path: Path, name: str) -> None:
    content = animation(name, [RED, BLUE], [100, 200])
    strip_and_compare(tmp_path, content + b"x", name)
    before, after = (open_image(tmp_path / each) for each in ("source", "target"))
    assert (frame_count(after), after.info["loop"]) == (frame_count(before), before.info["loop"])


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_a_picture_without_metadata_is_not_written_again(tmp_path: Path, name: str) -> None:
    source = tmp_path / "source"
    source.write_bytes(encode(quarters(40, 30), name))
    assert strip(source, tmp_path / "target", name) is False
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
def test_a_truncated_picture_is_not_stripped(tmp_path: Path, name: str) -> None:
    content = encode(quarters(40, 30), name)
    source = tmp_path / "source"
    source.write_bytes(content[: len(content) - 20])
    with pytest.raises(StrippingFailed):
        strip(source, tmp_path / "target", name)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    "content",
    [
        encode(quarters(40, 30), "WEBP", exif=GPS_EXIF),
        animation("WEBP", [RED, BLUE], [90, 90]),
        encode(quarters(40, 30), "GIF"),
        animation("GIF", [RED, BLUE], [90, 90]),
    ],
    ids=["WebP", "animated WebP", "GIF", "animated GIF"],
)
def test_whether_an_upload_can_be_cleaned_is_found_without_a_decode(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To find where its pixels end takes three, which is left to the cleaning."""
    decodes = []

    def count(*_: object, **__: object) -> bytes:
        decodes.append(1)
        return str(len(decodes)).encode()

    monkeypatch.setattr(webp_chunks, "pixels_of", count)
    monkeypatch.setattr(gif_blocks, "pixels_of", count)
    facts = identify(content, LIMITS)
    assert can_strip(content, facts, LIMITS, is_silent=True)
    assert not decodes
    strip_bytes(content, facts.format)
    assert decodes
