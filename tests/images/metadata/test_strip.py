"""Clean copies: nothing told, not a pixel changed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from images.exceptions import StrippingFailed
from images.formats.inspect import inspect
from images.formats.limits import Limits, RefusedPicture
from images.metadata.strip import strip
from tests import corpus
from tests.pictures import (
    BLUE,
    RED,
    animated,
    encoded,
    exif,
    frame_count,
    jpeg,
    opened,
    png,
    quarters,
)
from tests.profiles import display_p3

LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)
PLACE = exif(6, latitude="N")
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SECRET-XMP</x:xmpmeta>"


def pixels(path: Path) -> list[np.ndarray]:
    with Image.open(path) as image:
        frames = 1 if image.format == "MPO" else frame_count(image)
        found = []
        for frame in range(frames):
            image.seek(frame)
            found.append(np.asarray(image).copy())
        return found


def cleaned(tmp_path, content: bytes, name: str) -> bytes:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    assert strip(source, target, name) is True
    for before, after in zip(pixels(source), pixels(target), strict=True):
        assert np.array_equal(before, after)
    assert strip(target, tmp_path / "again", name) is False
    return target.read_bytes()


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_camera_and_place_are_gone_and_the_orientation_stays(tmp_path, name):
    content = encoded(quarters(40, 30), name, exif=PLACE)
    assert b"SECRET-CAMERA" in content
    result = cleaned(tmp_path, content, name)
    assert b"SECRET-CAMERA" not in result
    before, after = (opened(tmp_path / each) for each in ("source", "target"))
    assert after.getexif().get(0x0112) == before.getexif().get(0x0112) == 6
    assert not after.getexif().get_ifd(0x8825)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC"])
def test_xmp_is_gone_and_the_colour_profile_stays(tmp_path, name):
    profile = display_p3()
    content = (
        encoded(quarters(40, 30), name, xmp=XMP, icc_profile=profile)
        if name != "PNG"
        else (png(40, 30, icc_profile=profile, exif=PLACE))
    )
    result = cleaned(tmp_path, content, name)
    assert b"SECRET" not in result
    assert opened(tmp_path / "target").info["icc_profile"] == profile


def test_a_comment_is_gone(tmp_path):
    assert b"SECRET" not in cleaned(tmp_path, jpeg(40, 30, comment=b"SECRET"), "JPEG")
    told = encoded(quarters(40, 30), "GIF", comment=b"SECRET")
    assert b"SECRET" not in cleaned(tmp_path, told, "GIF")


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
def test_what_follows_the_end_is_gone(tmp_path, name):
    content = encoded(quarters(40, 30), name)
    assert cleaned(tmp_path, content + b"SECRET", name) == content


def test_a_phones_second_picture_is_gone(tmp_path):
    content = encoded(quarters(64, 48), "MPO", save_all=True, append_images=[quarters(32, 24)])
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    assert strip(source, target, "JPEG")
    assert opened(target).format == "JPEG"
    assert target.read_bytes().count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG"])
def test_an_animation_keeps_its_frames_and_loop(tmp_path, name):
    content = animated(name, [RED, BLUE], [100, 200])
    cleaned(tmp_path, content + b"x", name)
    before, after = (opened(tmp_path / each) for each in ("source", "target"))
    assert (frame_count(after), after.info["loop"]) == (frame_count(before), before.info["loop"])


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_a_clean_picture_is_left_as_it_is(tmp_path, name):
    source = tmp_path / "source"
    source.write_bytes(encoded(quarters(40, 30), name))
    assert strip(source, tmp_path / "target", name) is False
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "TIFF"])
def test_what_cannot_be_followed_fails(tmp_path, name):
    content = encoded(quarters(40, 30), name)
    source = tmp_path / "source"
    source.write_bytes(content[: len(content) - 20])
    with pytest.raises(StrippingFailed):
        strip(source, tmp_path / "target", name)
    assert not (tmp_path / "target").exists()


def faults(sample: corpus.Sample, target: Path) -> list[str]:
    """Return what is wrong with the clean copy of a picture."""
    facts = inspect(sample.path, LIMITS)
    if not strip(sample.path, target, facts.format):
        told = sample.gps or (sample.marker and sample.marker.encode() in sample.path.read_bytes())
        return ["left as it was"] if told else []
    before, after = opened(sample.path), opened(target)
    claims = {
        "marker": not sample.marker or sample.marker.encode() not in target.read_bytes(),
        "facts": inspect(target, LIMITS) == facts,
        "profile": before.info.get("icc_profile") == after.info.get("icc_profile"),
        "fields": not set(after.getexif()) - {0x0112} and not after.info.get("xmp"),
        "pixels": np.array_equal(np.asarray(before), np.asarray(after)),
    }
    return [name for name, holds in claims.items() if not holds]


@pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING)
@pytest.mark.slow
def test_every_good_picture_of_the_corpus_leaves_clean(tmp_path):
    found = {str(s): faults(s, tmp_path / "target") for s in corpus.samples("accept")}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


@pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING)
@pytest.mark.slow
def test_doubtful_pictures_of_the_corpus_leave_clean_or_not_at_all(tmp_path):
    outcomes = set()
    for sample in corpus.samples("either"):
        try:
            facts = inspect(sample.path, LIMITS)
            changed = strip(sample.path, tmp_path / "target", facts.format)
        except (RefusedPicture, StrippingFailed) as refused:
            outcomes.add(type(refused).__name__)
            continue
        result = (tmp_path / "target" if changed else sample.path).read_bytes()
        assert not sample.marker or sample.marker.encode() not in result, str(sample)
    assert outcomes == {"RefusedPicture", "StrippingFailed"}
