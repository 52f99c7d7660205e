"""JPEG segments, made by hand: which stay, which go, and what they are called."""

import struct
import tracemalloc
from io import BytesIO

import pytest
from PIL import Image

from images.formats.errors import BrokenStructure
from images.formats.exif import UPRIGHT
from images.metadata.dropped import Dropped
from images.metadata.icc_profiles import strip_profile
from images.metadata.jpeg_segments import follow_jpeg, strip_jpeg
from tests.pictures import encode, waves
from tests.profiles import adobe_rgb, make_profile

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
JFIF = b"JFIF\0\x01\x02\0\0\x01\0\x01"
NUMBERED = b"ICC_PROFILE\0\x01\x01"
ICC = NUMBERED + strip_profile(adobe_rgb())
PROFILE_GONE = [("Colour profile", "what colour does not need")]


def segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def without_header(content: bytes) -> bytes:
    """Return a JPEG of Pillow's from its tables on, without its end."""
    assert content[2:4] == b"\xff\xe0"
    return content[4 + struct.unpack_from(">H", content, 4)[0] : -2]


# Tables, a frame, a scan with stuffed bytes and restart markers.
PICTURE = without_header(encode(waves(128, 96), "JPEG", quality=95, restart_marker_blocks=3))
ADOBE = segment(0xEE, b"Adobe\0d\0\0\0\0\x01")
# Tables that no component of the picture asks for.
CODES = segment(0xC4, b"\3\0\0\5" + bytes(13) + b"JFIF\0")
STEPS = segment(0xDB, b"\3" + bytes(range(1, 65)))


def strip(
    *segments: bytes, orientation: int = UPRIGHT, end: bytes = EOI
) -> tuple[bytes, list[tuple[str, str]]]:
    """Return what is left of segments before a picture, and what was said to go."""
    dropped = Dropped()
    content = SOI + b"".join(segments) + PICTURE + end
    stripped = b"".join(strip_jpeg(content, orientation, dropped))
    assert stripped[:2] == SOI
    assert stripped.endswith(PICTURE + EOI)
    named = [(each.group.value, each.name) for each in dropped.items()]
    return stripped[2 : -len(PICTURE + EOI)], named


def test_the_picture_has_what_looks_like_markers() -> None:
    for each in (b"\xff\0", b"\xff\xd0", b"\xff\xd7"):
        assert each in PICTURE


@pytest.mark.parametrize(
    "kept",
    [
        segment(0xE0, JFIF + b"\0\0"), segment(0xE2, ICC), ADOBE, CODES,
        segment(0xDD, b"\0\x04"), STEPS,
    ],
)  # fmt: skip
def test_what_makes_the_picture_stays_byte_for_byte(kept: bytes) -> None:
    assert strip(kept) == (kept, [])


@pytest.mark.parametrize("passed_over", [b"x", b"\xff\xff", b"\xff\0", b"\xff\xd0", b"words\xff"])
def test_what_decoders_pass_over_between_segments_goes(passed_over: bytes) -> None:
    assert strip(ADOBE, passed_over, STEPS) == (ADOBE + STEPS, [])


@pytest.mark.parametrize(
    ("gone", "names"),
    [
        (segment(0xFE, b"a comment"), [("Text", "comment")]),
        (
            segment(0xE2, NUMBERED + b"no profile"),
            PROFILE_GONE,
        ),
        # One segment of two, two of one, one without its number, one beyond their number.
        (segment(0xE2, b"ICC_PROFILE\0\1\2a secret"), PROFILE_GONE),
        (segment(0xE2, ICC) * 2, PROFILE_GONE),
        (segment(0xE2, NUMBERED[:-1]) + segment(0xE2, ICC), PROFILE_GONE),
        (segment(0xE2, NUMBERED[:-2] + b"\2\1" + ICC[14:]), PROFILE_GONE),
        (segment(0xE1, b"another\0<x:a>"), [("Other", "application segment 1 another")]),
        (segment(0xE2, b"MPF\0index"), [("Picture", "index of further pictures (MPF)")]),
        (segment(0xE2, b"FPXR\0x"), [("Other", "application segment 2 FPXR")]),
        (segment(0xE0, b"JFXX\0\x10x"), [("Preview", "JFXX thumbnail")]),
        # Too short to be a JFIF header, or another's in its place.
        (segment(0xE0, JFIF[:8]), [("Preview", "JFIF thumbnail")]),
        (segment(0xE0, b"AVI1" + bytes(12)), [("Preview", "AVI1 thumbnail")]),
        (segment(0xE5, b"JFIF\0" + bytes(9)), [("Other", "application segment 5 JFIF")]),
        (segment(0xED, b"Adobe\0d"), [("Other", "application segment 13 Adobe")]),
        (segment(0xE3, b"ICC_PROFILE\0x"), [("Other", "application segment 3 ICC_PROFILE")]),
        (segment(0xEE, b"Adobe\0d"), [("Other", "application segment 14 Adobe")]),
        (segment(0xE5, b"Exif\0\0MM\0*"), [("Other", "application segment 5 Exif")]),
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


def test_an_orientation_comes_first_where_there_is_no_jfif_header() -> None:
    left, _ = strip(ADOBE, orientation=6)
    assert left.startswith(b"\xff\xe1")
    assert left.endswith(ADOBE)


def test_of_two_headers_the_one_that_decoders_read_stays() -> None:
    """Of JFIF's the first, of Adobe's the last."""
    jfif, other = (
        segment(0xE0, JFIF[:-4] + each + bytes(2)) for each in (b"\0\1\0\1", b"\0\2\0\2")
    )
    assert strip(jfif, other) == (jfif, [("Preview", "JFIF thumbnail")])
    first = segment(0xEE, b"Adobe\0d\0\0\0\0\0")
    assert strip(first, ADOBE) == (ADOBE, [("Other", "application segment 14 Adobe")])


def test_what_follows_an_adobe_segment_within_it_goes() -> None:
    assert strip(segment(0xEE, ADOBE[4:] + b"words")) == (ADOBE, [("Other", "unused bytes")])


def test_a_profile_in_several_segments_stays_in_whatever_order_they_are() -> None:
    """One of them may bear no piece of it."""
    profile = ICC[len(NUMBERED) :]
    pieces = [profile[:200], profile[200:], b""]
    numbered = [
        segment(0xE2, NUMBERED[:-2] + bytes([number, 3]) + piece)
        for number, piece in enumerate(pieces, 1)
    ]
    for order in (numbered, numbered[::-1]):
        assert strip(*order) == (b"".join(order), [])
    assert strip(*numbered[:2]) == (b"", PROFILE_GONE)


def test_a_profile_that_is_written_anew_lies_in_as_many_segments_as_it_needs() -> None:
    """Where the first lay; a decoder reads what colour needs, and nothing else."""
    table = b"mft2" + bytes(150_000)
    whole = make_profile({b"A2B0": table, b"priv": b"text" + bytes(4) + b"of Alice"})
    pieces = [whole[at : at + 60_000] for at in range(0, len(whole), 60_000)]
    segments = [
        segment(0xE2, NUMBERED[:-2] + bytes([number, len(pieces)]) + piece)
        for number, piece in enumerate(pieces, 1)
    ]
    left, named = strip(segments[0], ADOBE, *segments[1:])
    assert named == PROFILE_GONE
    assert left.endswith(ADOBE)
    with Image.open(BytesIO(SOI + left + PICTURE + EOI)) as image:
        read = image.info["icc_profile"]
    assert read == strip_profile(whole)
    assert (table in read, b"of Alice" in read) == (True, False)


def test_what_follows_the_picture_goes() -> None:
    left, named = strip(ADOBE, end=EOI + b"another picture")
    assert (left, named) == (ADOBE, [("Other", "bytes after the end")])


def test_what_lies_unused_in_the_data_goes_and_is_told() -> None:
    assert strip(ADOBE, end=b"a secret" + EOI) == (ADOBE, [("Other", "unused bytes")])


def test_an_end_that_is_missing_is_written() -> None:
    assert strip(ADOBE, end=b"") == (ADOBE, [])


def pixels(content: bytes) -> bytes:
    with Image.open(BytesIO(content)) as image:
        return image.tobytes()


def strip_file(content: bytes) -> bytes:
    return b"".join(strip_jpeg(content, UPRIGHT, Dropped()))


def test_a_header_too_short_to_be_one_does_not_become_one() -> None:
    """Else colours would be taken for others: by JFIF they are YCbCr whatever they are called."""
    rgb = encode(waves(64, 48), "JPEG", keep_rgb=True)
    rgb = rgb[rgb.index(b"\xff\xdb") : -2]
    content = SOI + segment(0xE0, JFIF[:8]) + rgb + EOI
    assert strip_file(content) == SOI + rgb + EOI
    whole = SOI + segment(0xE0, JFIF + b"\0\0") + rgb + EOI
    assert pixels(whole) != pixels(content) == pixels(SOI + rgb + EOI)


def test_what_tells_the_colours_counts_before_the_first_scan_alone() -> None:
    source = SOI + without_header(encode(waves(64, 48), "JPEG", progressive=True)) + EOI
    first = segment(0xEE, b"Adobe\0d\0\0\0\0\0")
    second_scan = source.index(b"\xff\xda", source.index(b"\xff\xda") + 2)
    told = SOI + first + source[2:]
    at = second_scan + len(first)
    content = told[:at] + ADOBE + segment(0xE0, JFIF + b"\0\0") + told[at:]
    assert pixels(content) == pixels(told) != pixels(source)
    assert strip_file(content) == told


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd7" + PICTURE + EOI,
        SOI + b"\xff\xdb\0\x01" + PICTURE + EOI,
        SOI + b"\xff\xdb\xff\xff" + PICTURE + EOI,
        SOI + PICTURE[PICTURE.index(b"\xff\xda") :] + EOI,
        SOI + PICTURE[: PICTURE.index(b"\xff\xda")] + EOI,
        SOI + PICTURE[:-40] + EOI,
        SOI + PICTURE[:-40],
        SOI + EOI,
        SOI,
    ],
)
def test_a_broken_structure_is_not_stripped(content: bytes) -> None:
    with pytest.raises((BrokenStructure, IndexError, struct.error)):
        b"".join(strip_jpeg(content, UPRIGHT, Dropped()))


def is_refused(content: bytes, *, is_followed: bool) -> bool:
    try:
        if is_followed:
            follow_jpeg(content, UPRIGHT)
        else:
            strip_file(content)
    except (BrokenStructure, IndexError, struct.error):
        return True
    return False


def test_what_cannot_be_followed_cannot_be_stripped() -> None:
    """Of data alone more is asked, which the decode that went before has told."""
    head = SOI + segment(0xE0, JFIF + b"\0\0") + segment(0xE2, ICC) + ADOBE
    whole = head + PICTURE + EOI + segment(0xE1, b"Exif\0\0") + b"film"
    scan = whole.index(b"\xff\xda")
    refused = 0
    for at in [*range(1, 40), *range(scan - 30, scan + 20)]:
        for content in (whole[:at] + whole[at + 1 :], whole[:at] + b"\xff" + whole[at + 1 :]):
            if is_refused(content, is_followed=True):
                assert is_refused(content, is_followed=False), at
                refused += 1
    for end in range(len(head), scan + 12):
        assert is_refused(whole[:end], is_followed=True)
        assert is_refused(whole[:end], is_followed=False)
    assert not is_refused(whole, is_followed=True)
    assert refused > 10


def test_what_is_followed_is_not_copied() -> None:
    """Every copy is memory that the kernel has to clear for a process that was just started."""
    content = encode(waves(900, 600), "JPEG", quality=98)
    tracemalloc.start()
    try:
        follow_jpeg(content, UPRIGHT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(content) > 80_000
    assert peak < len(content) / 4
