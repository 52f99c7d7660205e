"""One decode both shows that a picture is whole and gives the pixels of its thumbnails."""

import contextlib
from collections.abc import Iterator

import numpy as np
import pytest
import pyvips
from PIL import Image

from images.formats.inspect import identify, verify
from images.formats.limits import Limits, RefusedPicture
from images.formats.registry import FORMATS
from images.formats.resizing import resize, resize_and_verify
from tests import corpus
from tests.pictures import BLUE, RED, animation, encode, quarters, rotated_jpeg, waves

LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)
Decoded = tuple[tuple[int, int, int], bytes]
# Of 255, in the mean: below a JPEG's lower edge its blocks go on, of which the check sees more.
_MOST_DIFFERENCE = 0.3
# Noise fills a file to its last byte, so that a cut takes pixels away.
_NOISE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (900, 60, 3), np.uint8))
# The bytes of each format that decoders need not see: the end marker, chunk or checksum.
_ENDS = {"JPEG": 2, "PNG": 16, "GIF": 2}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As in the decoders' program: lines are asked for in their order."""
    before = pyvips.vips_lib.vips_concurrency_get()
    pyvips.vips_lib.vips_concurrency_set(1)
    yield
    pyvips.vips_lib.vips_concurrency_set(before)


def assert_alike(ours: Decoded | None, other: Decoded) -> None:
    """Compare shapes, and the samples by their mean difference."""
    assert ours
    assert ours[0] == other[0]
    a, b = (np.frombuffer(each[1], np.uint8).astype(int) for each in (ours, other))
    assert np.abs(a - b).mean() <= _MOST_DIFFERENCE


def decode_once(content: bytes, height: int) -> Decoded | None:
    """Return shape and samples; None where a decode of its own is needed to verify."""
    image = resize_and_verify(content, identify(content, LIMITS), height=height)
    return image and ((image.width, image.height, image.bands), bytes(image.write_to_memory()))


def decode(content: bytes, height: int) -> Decoded:
    image = resize(content, height=height)
    return (image.width, image.height, image.bands), bytes(image.write_to_memory())


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize("name", FORMATS)
def test_the_pixels_are_those_of_a_thumbnail(name: str, mode: str) -> None:
    if mode == "RGBA" and name == "JPEG":
        mode = "CMYK"
    content = encode(quarters(303, 202, mode), name)
    for height in (20, 150, 202, 500):
        assert_alike(decode_once(content, height), decode(content, height))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_pixels_are_upright(orientation: int) -> None:
    content = rotated_jpeg(120, 80, orientation)
    assert_alike(decode_once(content, 30), decode(content, 30))


def test_a_wide_picture_has_the_height_that_was_asked_for() -> None:
    found = decode_once(encode(waves(2400, 120), "JPEG"), 60)
    assert found
    assert found[0] == (1200, 60, 3)


@pytest.mark.unhurried
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("height", [10, 400, 900])
def test_a_file_that_lacks_its_last_lines_gives_none(name: str, height: int) -> None:
    """Also where the thumbnail itself would not ask for them."""
    content = encode(_NOISE, name)
    assert decode_once(content, height)
    for missing in (1 + _ENDS.get(name, 0), 200, len(content) // 10, len(content) // 2):
        cut = content[:-missing]
        with contextlib.suppress(RefusedPicture):
            facts = identify(cut, LIMITS)
            assert decode_once(cut, height) is None, missing
            with pytest.raises(RefusedPicture):
                verify(cut, facts)


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
def test_several_frames_are_verified_by_a_decode_of_their_own(name: str) -> None:
    assert decode_once(animation(name, [RED, BLUE], [90, 90]), 20) is None


def test_a_profile_that_cannot_be_used_is_no_reason_to_refuse() -> None:
    content = encode(quarters(60, 40), "JPEG", icc_profile=b"no profile")
    verify(content, identify(content, LIMITS))
    found = decode_once(content, 20)
    assert decode(content, 20)[0] == (30, 20, 3)
    if found:
        assert_alike(found, decode(content, 20))


@pytest.mark.nightly
@pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING)
@pytest.mark.slow
def test_of_the_corpus_one_decode_takes_nothing_that_the_check_alone_refuses() -> None:
    """And its pixels are as those of the thumbnails that are made without it."""
    wrong, decoded = [], 0
    for sample in corpus.samples("accept", "either", "reject"):
        content = sample.path.read_bytes()
        with contextlib.suppress(RefusedPicture):
            facts = identify(content, LIMITS)
            image = resize_and_verify(content, facts, height=400)
            if image is None:
                continue
            try:
                verify(content, facts)
            except RefusedPicture:
                wrong.append(f"{sample} was taken")
            decoded += 1
            other = resize(content, height=400)
            same_size = (image.width, image.height) == (other.width, other.height)
            if not same_size or (image - other).abs().avg() > _MOST_DIFFERENCE:
                wrong.append(f"{sample} looks different")
    assert wrong == []
    assert decoded > 500


@pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING)
@pytest.mark.parametrize(
    "name", ["av1avif__fox.profile1.10bpc.yuv444.odd-height", "libavif__seine_hdr_rec2020"]
)
def test_an_avif_of_more_bits_is_decoded_once(name: str) -> None:
    content = (corpus.ROOT / "files" / "avif" / f"{name}.avif").read_bytes()
    facts = identify(content, LIMITS)
    image = resize_and_verify(content, facts, height=60)
    assert image is not None
    assert (image - resize(content, height=60)).abs().avg() < _MOST_DIFFERENCE
    for missing in (1, 8, 500, len(content) // 2):
        with contextlib.suppress(RefusedPicture):
            identify(content[:-missing], LIMITS)
            assert resize_and_verify(content[:-missing], facts, height=60) is None
