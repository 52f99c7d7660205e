"""HEIC: the primary picture alone is described, decoded and kept when metadata is stripped."""

import gc
import struct
import weakref
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
import pytest

from images.exceptions import StrippingFailed
from images.formats import libheif
from images.formats.limits import Limits, RefusedPicture
from images.sandbox.work import inspect_picture
from images.sandbox.work_dir import work_dir
from tests.decoding import identify, inspect, strip
from tests.pictures import encode, exif, open_image, quarters, waves

LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SECRET-XMP</x:xmpmeta>"


@pytest.fixture
def write_source(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "source"
        path.write_bytes(content)
        return path

    return write


def two_pictures(**options: object) -> bytes:
    """Return a file of two pictures, of which the first has a preview."""
    file = pillow_heif.from_pillow(waves(320, 240))
    file.add_from_pillow(quarters(64, 64))
    previews: list[int | None] = [64]
    file[0].info["thumbnails"] = previews
    result = BytesIO()
    file.save(result, quality=80, **options)
    return result.getvalue()


def state_size(content: bytes, width: int, height: int) -> bytes:
    """State another size in every picture's boxes."""
    data, position = bytearray(content), 0
    while (position := data.find(b"ispe", position + 1)) > 0:
        struct.pack_into(">II", data, position + 8, width, height)
    return bytes(data)


def refusal_of(path: Path) -> str:
    with pytest.raises(RefusedPicture) as refused:
        identify(path, LIMITS)
    return refused.value.code


@pytest.mark.unhurried
def test_only_the_primary_picture_is_described(write_source: Callable[[bytes], Path]) -> None:
    facts = inspect(write_source(two_pictures()), LIMITS)
    assert (facts.format, facts.width, facts.height, facts.frames) == ("HEIC", 320, 240, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_and_height_have_the_orientation_applied(
    write_source: Callable[[bytes], Path], orientation: int
) -> None:
    content = encode(quarters(128, 64), "HEIC", exif=exif(orientation))
    facts = inspect(write_source(content), LIMITS)
    assert (facts.width, facts.height) == ((128, 64) if orientation < 5 else (64, 128))


def test_a_size_beyond_the_limits_is_refused_before_the_decoder_opens_it(
    write_source: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("images.formats.libheif.open_primary", None)
    assert refusal_of(write_source(state_size(two_pictures(), 30_000, 30_000))) == "too_many_pixels"
    assert refusal_of(write_source(state_size(two_pictures(), 20_001, 10))) == "too_many_pixels"


def test_a_stated_size_that_the_pixels_do_not_have_is_damage(
    write_source: Callable[[bytes], Path],
) -> None:
    with pytest.raises(RefusedPicture) as refused:
        inspect(write_source(state_size(two_pictures(), 3000, 2000)), LIMITS)
    assert refused.value.code == "damaged"


def test_a_coding_without_a_decoder_is_refused_by_name(
    write_source: Callable[[bytes], Path],
) -> None:
    other = two_pictures().replace(b"hvc1", b"j2k1")
    with pytest.raises(RefusedPicture, match="HEIF pictures of this kind are not taken"):
        identify(write_source(other), LIMITS)


def test_without_the_heic_decoder_only_heic_is_refused(
    write_source: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("images.formats.libheif.pillow_heif", None)
    with pytest.raises(RefusedPicture, match="HEIC pictures are not taken"):
        inspect(write_source(two_pictures()), LIMITS)
    assert inspect(write_source(encode(quarters(20, 10), "PNG")), LIMITS).format == "PNG"


def test_heic_is_decoded_in_the_sandbox() -> None:
    source = work_dir() / "a.heic"
    source.write_bytes(two_pictures())
    try:
        assert inspect_picture(source, LIMITS).width == 320
    finally:
        source.unlink()


@pytest.mark.unhurried
def test_decoded_pixels_live_as_long_as_an_image_made_of_them(
    write_source: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, kept, actual = write_source(encode(quarters(640, 480), "HEIC")), [], libheif.open_primary
    expected = np.asarray(pillow_heif.open_heif(path))

    def open_and_watch(file: bytes, **options: bool) -> object:
        picture = actual(file, **options)
        kept.append(weakref.ref(picture))
        return picture

    monkeypatch.setattr(libheif, "open_primary", open_and_watch)
    derived = libheif.decode(path.read_bytes()).flip("horizontal")
    gc.collect()
    assert kept[0]() is not None
    assert np.array_equal(derived.numpy(), expected[:, ::-1])
    del derived
    gc.collect()
    assert kept[0]() is None


def test_stripping_heic_leaves_the_primary_picture_alone(
    write_source: Callable[[bytes], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The service's reader does not look for previews.
    monkeypatch.setattr(pillow_heif.options, "THUMBNAILS", True)
    source, target = (
        write_source(two_pictures(exif=exif(1, latitude="N"), xmp=XMP)),
        tmp_path / "target",
    )
    assert source.read_bytes().count(b"SECRET") == 2
    assert strip(source, target, "HEIC")
    assert b"SECRET" not in target.read_bytes()
    before, after = pillow_heif.open_heif(source), pillow_heif.open_heif(target)
    assert (len(before), len(after)) == (2, 1)
    assert (before.info["thumbnails"], after.info["thumbnails"]) == ([64], [])
    assert not after.info["exif"]
    assert not b"".join(each["data"] for each in after.info["metadata"]).strip(b"\0")
    assert np.array_equal(np.asarray(before), np.asarray(after))
    assert strip(target, tmp_path / "again", "HEIC") is False


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_stripped_heic_keeps_its_orientation(
    write_source: Callable[[bytes], Path], tmp_path: Path, orientation: int
) -> None:
    source = write_source(encode(quarters(128, 64), "HEIC", exif=exif(orientation)))
    assert strip(source, tmp_path / "target", "HEIC")
    assert inspect(tmp_path / "target", LIMITS) == inspect(source, LIMITS)
    assert np.array_equal(
        np.asarray(open_image(source)), np.asarray(open_image(tmp_path / "target"))
    )


def test_a_stripped_heic_keeps_its_transparency(
    write_source: Callable[[bytes], Path], tmp_path: Path
) -> None:
    seen = quarters(128, 128, "RGBA")
    seen.putalpha(90)
    source = write_source(encode(seen, "HEIC", exif=exif(1)))
    assert inspect(source, LIMITS).has_alpha
    assert strip(source, tmp_path / "target", "HEIC")
    assert open_image(tmp_path / "target").getchannel("A").getpixel((5, 5)) == 90


def test_bytes_that_no_item_of_a_heic_uses_are_removed(
    write_source: Callable[[bytes], Path], tmp_path: Path
) -> None:
    """A free place in the store of pixels could hold anything."""
    data = bytearray(encode(quarters(128, 64), "HEIC"))
    at = data.index(b"mdat")
    size = struct.unpack_from(">I", data, at - 4)[0]
    struct.pack_into(">I", data, at - 4, size + 6)
    assert at - 4 + size == len(data)
    source = write_source(bytes(data) + b"SECRET")
    assert strip(source, tmp_path / "target", "HEIC")
    assert b"SECRET" not in (tmp_path / "target").read_bytes()


@pytest.mark.unhurried
@pytest.mark.parametrize("box", [b"pitm", b"iloc", b"iinf"])
def test_a_heic_whose_boxes_are_broken_is_not_stripped(
    write_source: Callable[[bytes], Path], tmp_path: Path, box: bytes
) -> None:
    source = write_source(two_pictures().replace(box, b"skip", 1))
    with pytest.raises(StrippingFailed):
        strip(source, tmp_path / "target", "HEIC")
