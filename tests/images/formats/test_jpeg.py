"""A JPEG is whole where its last block is, whatever its end says; rare kinds have names."""

import struct
from base64 import b64decode
from typing import Any

import numpy as np
import pytest
from PIL import Image

from images.formats.inspect import inspect
from images.formats.limits import Limits, RefusedPicture
from images.formats.resizing import resize, resize_and_verify
from images.metadata.strip import strip
from tests import corpus
from tests.pictures import encode, jpeg, waves

LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)
EOI = b"\xff\xd9"
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("RGB", {}),
    "optimized": ("RGB", {"optimize": True}),
    "full colours": ("RGB", {"subsampling": 0}),
    "restarts": ("RGB", {"restart_marker_blocks": 10}),
    "progressive": ("RGB", {"progressive": True}),
    "progressive, restarts": ("RGB", {"progressive": True, "restart_marker_rows": 1}),
    "grey": ("L", {}),
    "grey, progressive": ("L", {"progressive": True}),
    "cmyk": ("CMYK", {}),
}
# What phones and programs write behind a picture.
TRAILER = b"\0\0\x01\x0aImage_UTC_Data1700000000000SEFHj\0\0\0" + bytes(range(255)) * 9
JPEGS = {
    kind: encode(waves(480, 320).convert(mode), "JPEG", quality=80, **options)
    for kind, (mode, options) in KINDS.items()
}
# In arithmetic codes, which nothing that the tests have writes: made by cjpeg of libjpeg-turbo.
ARITHMETIC = {
    "sequential": b64decode(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERX"
        "RTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2Nj"
        "Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/yQARCAAgACgDASIAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIR"
        "AxEAPwDSF56nJRiXmuqC9/8A8x1gaRt8IvKTXRa6ULfShAo2qjOsIvTFRt04h4q9riox5h6VHJaBHUEdP2pqf+qT"
        "jhH8GfqZpqspJB+1/jIj8K+a3YOgKZNzyec7vUXwFx5oxlIU0VKQSIzyMrYLfeTOFljSHs0quJWX4EGWyxijOX6J"
        "xz6rFZEPJ3gm1pib2iVtKI4cico3yN2XPW9Dcb2uFr2Cy+l1TdIezJPkQQy/zGyQOepF3SJ6FSPLuExZwP/Z"
    ),
    "progressive": b64decode(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERX"
        "RTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2Nj"
        "Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/ygARCAAgACgDASIAAhEBAxEB/8wABgAQARD/2gAMAwEAAhADEAAA"
        "AdFKXWpRwcx7genMi3LXVsHdZftuOF8us+UXA6FSKsj/zAAEEAX/2gAIAQEAAQUCECC2iHnaDfCtTiQFlw0xna1U"
        "w8QZnwqS044NCKqeMrT/zAAEEQX/2gAIAQMBAT8Be1MkfOA9NC/ton3b5qpg/8wABBEF/9oACAECAQE/ARITODEF"
        "m9ci2J7bppv2aILJaoD/zAAEEAX/2gAIAQEABj8CsP/MAAQQBf/aAAgBAQABPyEolXADSOOVN1LVZ+OZQqfsvCky"
        "MSj/2gAMAwEAAgADAAAAENo+pvCY/8wABBEF/9oACAEDAQE/EBtbjx6dbKBSU1//zAAEEQX/2gAIAQIBAT8Q1QTR"
        "LKGlbP/MAAQQBf/aAAgBAQABPxAg8EpjVBukwtWLAkEGaqqgHGtnrTosEOoNtgyDjhoazwwbP//Z"
    ),
}


def verdict(content: bytes) -> str:
    try:
        inspect(content, LIMITS)
    except RefusedPicture as refused:
        return refused.message if refused.code == "format" else refused.code
    return "taken"


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(resize(content, height=100).numpy(), int)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "ending",
    [
        b"",
        TRAILER,
        b"\0" * 500,
        b"stray" + EOI,
        b"\0" * 500 + EOI,
        b"\xff\xff" + EOI,
        EOI + TRAILER,
    ],
)
def test_only_the_end_marker_may_be_missing(kind: str, ending: bytes) -> None:
    whole = JPEGS[kind]
    assert whole.endswith(EOI)
    changed = whole[:-2] + ending
    assert verdict(changed) == "taken"
    assert np.array_equal(pixels(changed), pixels(whole))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9, 0.97])
def test_data_that_ends_or_turns_to_zeros_is_damage(kind: str, share: float) -> None:
    whole = JPEGS[kind]
    cut, missing = whole[: int(len(whole) * share)], len(whole) - int(len(whole) * share)
    assert verdict(cut) == "damaged"
    assert verdict(cut + EOI) == "damaged"
    assert verdict(cut + bytes(missing)) == "damaged"
    assert verdict(cut + bytes(missing - 2) + EOI) == "damaged"
    assert verdict(cut + bytes(5 * missing) + EOI) == "damaged"


@pytest.mark.parametrize("kind", KINDS)
def test_every_byte_of_the_data_counts(kind: str) -> None:
    """The decoder asks for more bytes than it needs, and says what it misses too late."""
    for picture in (waves(93, 61), Image.new("RGB", (93, 61), "white")):
        mode, options = KINDS[kind]
        whole = encode(picture.convert(mode), "JPEG", quality=80, **options)
        assert verdict(whole) == verdict(whole[:-2]) == "taken"
        for missing in range(1, 11):
            cut = whole[: -2 - missing]
            assert verdict(cut) == verdict(cut + EOI) == "damaged", missing


@pytest.mark.parametrize("kind", KINDS)
def test_one_decode_for_check_and_thumbnail_finds_what_is_missing(kind: str) -> None:
    whole = JPEGS[kind]
    facts = inspect(whole, LIMITS)
    assert resize_and_verify(whole, facts, height=50) is not None
    for missing in (1, 4, 8):
        assert resize_and_verify(whole[: -2 - missing] + EOI, facts, height=50) is None
        assert resize_and_verify(whole[: -2 - missing] + EOI, facts, height=300) is None


def test_missing_data_is_found_behind_something_else_that_the_decoder_says() -> None:
    """Of several warnings it gives the first: here parameters that no sequential scan has."""
    whole = JPEGS["plain"]
    at = whole.index(b"\xff\xda") + 2 + whole[whole.index(b"\xff\xda") + 3]
    odd = whole[: at - 2] + b"\x3e" + whole[at - 1 :]
    assert verdict(odd) == "taken"
    for missing in (1, 4, 8, 100):
        assert verdict(odd[: -2 - missing] + EOI) == "damaged"
    assert strip(odd[:-2] + b"stray" + EOI, "JPEG") == (strip(odd, "JPEG") or odd)


@pytest.mark.parametrize("kind", ARITHMETIC)
def test_arithmetic_data_that_ends_early_or_turns_to_zeros_is_damage(kind: str) -> None:
    """A decoder reads zeros behind the end of any: whole ones need two bytes of them, or three.

    So a cut of less than ten bytes may be none.
    """
    whole = ARITHMETIC[kind]
    assert verdict(whole) == verdict(whole[:-2] + bytes(500) + EOI) == "taken"
    assert verdict(whole[:-2] + b"stray" + EOI) == "taken"
    for missing in range(10, 60):
        cut = whole[: -2 - missing]
        assert verdict(cut) == verdict(cut + EOI) == "damaged", missing
        if missing > 20:
            assert verdict(cut + bytes(200) + EOI) == "damaged"


@pytest.mark.skipif(not corpus.THERE, reason=corpus.MISSING)
def test_a_lossless_jpeg_is_shown_and_checked_as_a_whole() -> None:
    """Its decoder shrinks nothing: libvips would take the upper left corner for the whole."""
    content = (corpus.ROOT / "files" / "sharp" / "sharp__testimgl.jpg").read_bytes()
    assert verdict(content) == "taken"
    shown = np.asarray(resize(content, height=18).numpy(), int)
    whole = np.asarray(resize(content, height=149).numpy(), int)
    assert np.abs(shown.mean((0, 1)) - whole.mean((0, 1))).max() < 3
    for missing in (1, 8, 100, len(content) // 2):
        assert verdict(content[: -2 - missing] + EOI) == "damaged"


def test_data_that_ends_in_the_middle_of_a_code_or_marker_is_damage() -> None:
    """The first byte of what was cut off is the first of every marker."""
    whole = jpeg(200, 150)
    ends = [at + 1 for at in range(len(whole) // 2, len(whole) - 10) if whole[at] == 0xFF]
    assert len(ends) > 5
    for end in ends:
        assert verdict(whole[:end]) == verdict(whole[:end] + EOI) == "damaged"


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}])
@pytest.mark.parametrize("ending", [EOI, b"", TRAILER])
def test_a_surface_of_one_colour_may_be_all_zeros(options: dict[str, bool], ending: bytes) -> None:
    white = encode(Image.new("RGB", (1200, 900), "white"), "JPEG", **options)
    assert (bytes(64) in white) == bool(options)
    assert verdict(white[:-2] + ending) == "taken"


def test_a_progressive_picture_without_a_scan_is_damaged() -> None:
    """Cut between two scans and closed by an end marker, it looks like a whole one."""
    whole = JPEGS["progressive"]
    scans = [at for at in range(len(whole)) if whole[at : at + 2] == b"\xff\xda"]
    tables = [max(whole.rfind(b"\xff\xc4", 0, at), scans[0]) for at in scans]
    assert len(scans) > 5
    for at in tables[2:]:
        assert verdict(whole[:at] + EOI) == "damaged"


def with_frame(marker: int, precision: int = 8) -> bytes:
    """State another kind of frame in an ordinary JPEG."""
    content = bytearray(JPEGS["plain"])
    at = content.index(b"\xff\xc0")
    content[at + 1], content[at + 4] = marker, precision
    return bytes(content)


@pytest.mark.parametrize(
    ("marker", "precision", "name"),
    [
        (0xC1, 12, "12-bit JPEG"),
        (0xC2, 12, "12-bit JPEG"),
        (0xC3, 8, "Lossless JPEG"),
        (0xC3, 16, "Lossless JPEG"),
        (0xC5, 8, "Hierarchical JPEG"),
        (0xCB, 8, "Lossless JPEG"),
        (0xCF, 8, "Hierarchical JPEG"),
        (0xF7, 8, "JPEG-LS"),
    ],
)
def test_kinds_that_are_not_taken_are_refused_by_their_names(
    marker: int, precision: int, name: str
) -> None:
    assert verdict(with_frame(marker, precision)) == f"{name} pictures are not taken."


def test_a_frame_that_is_none_is_damage() -> None:
    assert verdict(with_frame(0xC0, 255)) == "damaged"
    broken = bytearray(JPEGS["plain"])
    struct.pack_into(">H", broken, broken.index(b"\xff\xc0") + 2, 3)
    assert verdict(bytes(broken)) == "damaged"
