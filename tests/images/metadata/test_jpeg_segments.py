"""JPEG segments, made by hand: which stay, which go, and what they are called."""

import struct

import pytest

from images.formats.errors import BrokenStructure
from images.formats.exif import UPRIGHT
from images.metadata.dropped import Dropped
from images.metadata.jpeg_segments import strip_jpeg

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
JFIF = b"JFIF\0\x01\x02\0\0\x01\0\x01"
ICC = b"ICC_PROFILE\0\x01\x01and a profile"


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


# Tables, a scan with stuffed bytes and restart markers.
PICTURE = segment(0xDB, b"tables") + segment(0xDA, b"scan") + b"ab\xff\0c\xff\xd0d\xff\xffe"
ADOBE = segment(0xEE, b"Adobe\0d\0\0\0\0\x01")


def strip(
    *segments: bytes, orientation: int = UPRIGHT, after: bytes = b""
) -> tuple[bytes, list[tuple[str, str]]]:
    """Return what is left of segments before a picture, and what was said to go."""
    dropped = Dropped()
    content = SOI + b"".join(segments) + PICTURE[:-3] + EOI + after
    stripped = b"".join(strip_jpeg(content, orientation, dropped))
    assert stripped[:2] == SOI
    assert stripped.endswith(PICTURE[:-3] + EOI)
    named = [(each.group.value, each.name) for each in dropped.items()]
    return stripped[2 : -len(PICTURE[:-3] + EOI)], named


@pytest.mark.parametrize(
    "kept",
    [
        segment(0xE0, JFIF + b"\0\0"), segment(0xE2, ICC), ADOBE,
        segment(0xC4, b"JFIF\0 in a table"), segment(0xDD, b"\0\x04"),
        b"\xff\xff" + segment(0xDB, b"filled"),
    ],
)  # fmt: skip
def test_what_makes_the_picture_stays_byte_for_byte(kept: bytes) -> None:
    assert strip(kept) == (kept, [])


@pytest.mark.parametrize(
    ("gone", "names"),
    [
        (segment(0xFE, b"a comment"), [("Text", "comment")]),
        (segment(0xE2, b"MPF\0index"), [("Picture", "index of further pictures (MPF)")]),
        (segment(0xE2, b"FPXR\0x"), [("Other", "application segment 2 FPXR")]),
        (segment(0xE0, b"JFXX\0\x10x"), [("Preview", "JFXX thumbnail")]),
        # Too short to be a JFIF header, or another's in its place.
        (segment(0xE0, JFIF[:8]), [("Preview", "JFIF thumbnail")]),
        (segment(0xE0, b"AVI1" + bytes(12)), [("Preview", "AVI1 thumbnail")]),
        (segment(0xE5, b"JFIF\0" + bytes(9)), [("Other", "application segment 5 JFIF")]),
        (segment(0xED, b"Adobe\0d"), [("Other", "application segment 13 Adobe")]),
        (segment(0xE3, b"ICC_PROFILE\0x"), [("Other", "application segment 3 ICC_PROFILE")]),
        (segment(0xEE, b"Ducky\0x"), [("Other", "application segment 14 Ducky")]),
        (segment(0xEF, b"n" * 30 + b"\0x"), [("Other", f"application segment 15 {'n' * 20}")]),
        (
            segment(0xE4, b"http://ns.adobe.com/xap/1.0/\0<x:a>"),
            [("Other", "application segment 4 http://ns.adobe.com/")],
        ),
    ],
)
def test_what_does_not_goes_and_is_named(gone: bytes, names: list[tuple[str, str]]) -> None:
    assert strip(ADOBE, gone) == (ADOBE, names)


def test_xmp_and_photoshop_are_looked_into() -> None:
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><dc:title>x</dc:title></x:xmpmeta>"
    assert strip(segment(0xE1, xmp)) == (b"", [("XMP", "dc:title")])
    resource = b"8BIM\x04\x09\0\0" + struct.pack(">I", 4) + b"jpeg"
    left, named = strip(segment(0xED, b"Photoshop 3.0\0" + resource))
    assert (left, [group for group, _ in named]) == (b"", ["Preview"])


def test_the_preview_in_a_jfif_header_goes_and_the_header_stays() -> None:
    header = segment(0xE0, JFIF + b"\x01\x01rgb")
    assert strip(header) == (
        segment(0xE0, JFIF + b"\0\0"), [("Preview", "JFIF thumbnail")],
    )  # fmt: skip


def test_an_orientation_is_written_once_behind_the_jfif_header() -> None:
    header = segment(0xE0, JFIF + b"\0\0")
    left, _ = strip(header, ADOBE, segment(0xFE, b"x"), orientation=6)
    assert left.startswith(header + b"\xff\xe1")
    assert left.endswith(ADOBE)
    assert left.count(b"Exif\0\0") == 1
    assert b"Exif" not in strip(header, ADOBE)[0]


def test_what_follows_the_picture_goes() -> None:
    left, named = strip(ADOBE, after=b"another picture")
    assert (left, named) == (ADOBE, [("Other", "bytes after the end")])


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd7" + PICTURE + EOI,
        SOI + b"x" + PICTURE + EOI,
        SOI + b"\xff\xdb\0\x01" + EOI,
        SOI + b"\xff\xdb\xff\xff" + EOI,
        SOI + segment(0xDA, b"scan") + b"without an end",
        SOI + PICTURE[:-3],
        SOI,
    ],
)
def test_a_broken_structure_is_not_stripped(content: bytes) -> None:
    with pytest.raises((BrokenStructure, IndexError, struct.error)):
        b"".join(strip_jpeg(content, UPRIGHT, Dropped()))
