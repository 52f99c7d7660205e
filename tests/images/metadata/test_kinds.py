"""Every kind of thing that can lie in a file beside its pixels, and that a clean copy lacks.

Each hides a text, whatever that is to the format: none of it is in the copy, which is taken as the
file was, states the same, shows the same pixels, and has nothing left to lose.
"""

import random
import struct
import zlib
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from images.formats.inspect import inspect
from images.formats.isobmff import boxes
from images.formats.limits import Limits
from images.metadata.coded_units import strip_av1, strip_hevc, strip_hevc_configuration
from images.metadata.icc_profiles import strip_profile
from images.metadata.strip import strip
from tests.metadata_fixtures import STRIP_BYTES, set_tiff_field, tiff_field_offset
from tests.pictures import BLUE, GREEN, RED, animation, encode, png, quarters, waves
from tests.profiles import adobe_rgb, cmyk_profile, display_p3

LIMITS = Limits(max_bytes=10**7, max_pixels=10**7)
SECRET = b"SECRET-PLACE-48.2082N-16.3738E"


def check(content: bytes, name: str) -> bytes:
    """Return the copy of a file that hides the text."""
    assert SECRET in content
    copy = strip(content, name)
    assert copy is not None
    for n in range(len(SECRET) - 7):
        assert SECRET[n : n + 8] not in copy
    assert inspect(copy, LIMITS) == inspect(content, LIMITS)
    assert [each.tobytes() for each in frames(copy)] == [each.tobytes() for each in frames(content)]
    assert strip(copy, name) is None
    return copy


def frames(content: bytes) -> list[np.ndarray]:
    with Image.open(BytesIO(content)) as image:
        found = []
        for n in range(1 if image.format == "MPO" else getattr(image, "n_frames", 1)):
            image.seek(n)
            found.append(np.asarray(image.convert("RGBA")))
        return found


# --- Colour profiles ------------------------------------------------------------------------------


def with_tags(profile: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return a profile with more tags, or others in place of its own, as a serializer writes it."""
    places = [
        struct.unpack_from(">4sII", profile, 132 + 12 * n)
        for n in range(struct.unpack_from(">I", profile, 128)[0])
    ]
    found = {name: profile[at : at + size] for name, at, size in places} | tags
    start, table, body = 132 + 12 * len(found), b"", b""
    for name, content in found.items():
        table += struct.pack(">4sII", name, start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    head = struct.pack(">I", start + len(body)) + profile[4:128]
    return head + struct.pack(">I", len(found)) + table + body


def text(words: bytes) -> bytes:
    return b"text" + bytes(4) + words + b"\0"


def described(words: bytes) -> bytes:
    return b"desc" + bytes(4) + struct.pack(">I", len(words) + 1) + words + b"\0" + bytes(78)


TELLING = {
    "a private tag": lambda p: with_tags(p, {b"XtrA": text(SECRET)}),
    "its name": lambda p: with_tags(p, {b"desc": described(SECRET)}),
    "its copyright": lambda p: with_tags(p, {b"cprt": text(SECRET)}),
    "a device": lambda p: with_tags(p, {b"dmdd": described(SECRET), b"mmod": text(SECRET)}),
    "behind its end": lambda p: p + SECRET,
    "behind a curve": lambda p: with_tags(p, {b"bkpt": b"XYZ " + bytes(16) + SECRET}),
}


@pytest.mark.parametrize("telling", TELLING.values(), ids=TELLING)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF"])
def test_a_profile_keeps_its_colours_alone(name: str, telling: Callable[[bytes], bytes]) -> None:
    profile = telling(adobe_rgb())
    content = encode(quarters(64, 48), name, icc_profile=profile)
    if name == "PNG":
        content = content.replace(b"iCCP", b"iCCP")  # compressed: found by decompressing below
        copy = strip(content, name)
        assert copy is not None
    else:
        copy = check(content, name)
    kept = Image.open(BytesIO(copy)).info["icc_profile"]
    assert SECRET[:8] not in kept
    assert strip_profile(kept) == kept
    for tag in (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"wtpt"):
        assert tag_of(kept, tag) == tag_of(profile, tag)


def tag_of(profile: bytes, wanted: bytes) -> bytes:
    for n in range(struct.unpack_from(">I", profile, 128)[0]):
        name, at, size = struct.unpack_from(">4sII", profile, 132 + 12 * n)
        if name == wanted:
            return profile[at : at + size]
    raise AssertionError(wanted)


def test_tables_that_colour_needs_stay_and_what_is_no_profile_goes() -> None:
    profile = cmyk_profile()
    kept = strip_profile(with_tags(profile, {b"targ": text(SECRET)}))
    assert SECRET not in kept
    assert tag_of(kept, b"A2B0") == tag_of(profile, b"A2B0")
    for broken in (b"", b"x" * 200, profile[:140], profile[:36] + b"xxxx" + profile[40:]):
        assert strip_profile(broken) == b""
    telling = display_p3()[:4] + b"SECR" + display_p3()[8:]
    assert b"SECR" not in strip_profile(telling)


# --- JPEG -----------------------------------------------------------------------------------------


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def before_end(content: bytes, extra: bytes) -> bytes:
    return content[:-2] + extra + content[-2:]


def before_restart(content: bytes) -> bytes:
    at = content.index(b"\xff\xd3", content.index(b"\xff\xda"))
    return content[:at] + SECRET + content[at:]


def in_front_of(content: bytes, marker: bytes, extra: bytes) -> bytes:
    at = content.index(marker)
    return content[:at] + extra + content[at:]


def photo(**options: object) -> bytes:
    return encode(waves(320, 240), "JPEG", quality=90, **options)


CMYK = {"mode": "CMYK"}
JPEGS = {
    "behind Adobe's 12 bytes": lambda: in_front_of(
        photo(), b"\xff\xdb", segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01" + SECRET)
    ),
    "two of Adobe's": lambda: in_front_of(
        photo(),
        b"\xff\xdb",
        segment(0xEE, b"Adobe" + SECRET) + segment(0xEE, b"Adobe\0\x64\0\0\0\0\x01"),
    ),
    "between segments": lambda: in_front_of(photo(), b"\xff\xdb", SECRET),
    "a second JFIF header": lambda: in_front_of(
        photo(), b"\xff\xdb", segment(0xE0, b"JFIF\0" + SECRET)
    ),
    "before the end": lambda: before_end(photo(), SECRET),
    "before the end of a progressive one": lambda: before_end(photo(progressive=True), SECRET),
    "before a restart": lambda: before_restart(photo(restart_marker_rows=2)),
    "behind the data, without an end": lambda: photo()[:-2] + SECRET * 40,
    "behind the end": lambda: photo() + SECRET,
    "lines": lambda: before_end(photo(), segment(0xDC, b"\0\xf0" + SECRET)),
    "a comment behind filling": lambda: in_front_of(
        photo(), b"\xff\xdb", b"\xff\xff\xff" + segment(0xFE, SECRET)
    ),
    "a segment of no known kind": lambda: in_front_of(photo(), b"\xff\xdb", segment(0xEB, SECRET)),
}


@pytest.mark.parametrize("make", JPEGS.values(), ids=JPEGS)
def test_a_jpeg_leaves_nothing_that_decoders_pass_over(make: Callable[[], bytes]) -> None:
    copy = check(make(), "JPEG")
    assert copy.endswith(b"\xff\xd9")


@pytest.mark.parametrize("length", [1, 2, 5, 17, 300])
def test_bytes_before_the_end_of_a_jpeg_go_to_the_last_one(length: int) -> None:
    hidden = bytes(random.Random(length).choices(range(1, 255), k=length))
    for options in ({}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 7}):
        content = photo(**options)
        assert strip(content, "JPEG") is None
        assert strip(before_end(content, hidden), "JPEG") == content


# --- PNG ------------------------------------------------------------------------------------------


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_parts(content: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 8
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        found.append((kind, content[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def png_of(parts: list[tuple[bytes, bytes]]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in parts)


def with_pixels(change: Callable[[bytes], bytes], kind: bytes = b"IDAT") -> bytes:
    source = png(40, 30) if kind == b"IDAT" else animation("PNG", [RED, BLUE, GREEN], [100] * 3)
    skip = 0 if kind == b"IDAT" else 4
    return png_of([
        (name, body[:skip] + change(body[skip:]) if name == kind else body)
        for name, body in png_parts(source)
    ])  # fmt: skip


def longer(packed: bytes) -> bytes:
    """Return a stream that goes on with more lines than the height, not compressed."""
    return zlib.compress(zlib.decompress(packed) + SECRET * 20, 0)


PNGS = {
    "behind the stream": lambda: with_pixels(lambda packed: packed + SECRET),
    "beyond the height": lambda: with_pixels(longer),
    "behind a frame's stream": lambda: with_pixels(lambda packed: packed + SECRET, b"fdAT"),
    "beyond a frame's height": lambda: with_pixels(longer, b"fdAT"),
    "pixels after the pixels": lambda: png_of([
        *png_parts(png(40, 30))[:-1], (b"IDAT", SECRET), (b"IEND", b"")
    ]),
    "a private chunk": lambda: png_of([
        png_parts(png(40, 30))[0], (b"prVt", SECRET), *png_parts(png(40, 30))[1:]
    ]),
    "no end": lambda: png(40, 30)[:-12] + chunk(b"teXt", SECRET),
    "behind the end": lambda: png(40, 30) + SECRET,
}  # fmt: skip


@pytest.mark.parametrize("make", PNGS.values(), ids=PNGS)
def test_a_png_leaves_nothing_that_is_no_pixel(make: Callable[[], bytes]) -> None:
    copy = check(make(), "PNG")
    assert copy.endswith(chunk(b"IEND", b""))


# --- WebP, GIF, TIFF ------------------------------------------------------------------------------


def riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp_of(content: bytes, change: Callable[[bytes, bytes], bytes]) -> bytes:
    body, at = b"", 12
    while at < len(content):
        kind, length = struct.unpack_from("<4sI", content, at)
        body += change(kind, content[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_leaves_its_chunks_alone(lossless: bool) -> None:
    content = encode(waves(64, 48), "WEBP", lossless=lossless)

    def longer_pixels(kind: bytes, body: bytes) -> bytes:
        return riff(kind, body + SECRET) if kind in {b"VP8 ", b"VP8L"} else riff(kind, body)

    check(webp_of(content, lambda kind, body: riff(kind, body) + riff(b"prvt", SECRET)), "WEBP")
    check(webp_of(content, longer_pixels), "WEBP")
    check(content + SECRET, "WEBP")


def test_a_gif_leaves_its_frames_and_its_loop_alone() -> None:
    content = animation("GIF", [RED, BLUE], [100, 200])
    at = content.index(b"\x21\xf9")
    hidden = bytes([len(SECRET)]) + SECRET
    loop = b"\x21\xff\x0bNETSCAPE2.0"
    for extra in (b"\x21\x01" + hidden + b"\0", b"\x21\x77" + hidden + b"\0"):
        check(content[:at] + extra + content[at:], "GIF")
    telling = content.replace(loop + b"\3\1", loop + hidden + b"\3\1", 1)
    assert telling != content
    check(telling, "GIF")
    check(content[:-2] + hidden + content[-2:], "GIF")  # behind the last code
    assert strip(content[:-1], "GIF") == content


def test_a_tiff_leaves_no_byte_of_a_strip_that_is_no_pixel() -> None:
    for options in ({}, {"compression": "tiff_adobe_deflate"}):
        content = encode(quarters(64, 48), "TIFF", **options)
        at = tiff_field_offset(content, 273)
        start = struct.unpack_from("<I", content, at + 8)[0]
        length = struct.unpack_from("<I", content, tiff_field_offset(content, STRIP_BYTES) + 8)[0]
        strip_ = content[start : start + length] + SECRET
        moved = set_tiff_field(content, 273, len(content))
        check(set_tiff_field(moved, STRIP_BYTES, len(strip_)) + strip_, "TIFF")


# --- AVIF and HEIC --------------------------------------------------------------------------------


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


FILM = (
    box(b"ftyp", b"mp42\0\0\0\0mp42isom")
    + box(b"moov", box(b"udta", SECRET))
    + box(b"mdat", SECRET)
)


@pytest.mark.parametrize("name", ["AVIF", "HEIC"])
def test_nothing_stays_behind_beside_or_between_the_boxes_of_a_picture(name: str) -> None:
    content = encode(quarters(128, 64), name)
    for extra in (
        FILM if name == "AVIF" else FILM.replace(b"moov", b"mpvd"),
        SECRET, box(b"mpvd", SECRET), box(b"free", SECRET), box(b"uuid", SECRET),
        struct.pack(">I4sQ", 1, b"mdat", 16 + len(SECRET)) + SECRET, box(b"moof", SECRET),
        struct.pack(">I4s", 0, b"mdat") + SECRET,
    ):  # fmt: skip
        assert check(content + extra, name) == content


def test_data_of_a_picture_in_a_long_box_is_cut_where_the_picture_ends() -> None:
    content = encode(quarters(128, 64), "AVIF")
    top = list(boxes(content, 0, len(content)))
    media = top[-1]
    assert media.kind == b"mdat"
    longer_box = struct.pack(">I", media.end - media.kind_at + 4 + len(SECRET))
    telling = content[: media.kind_at - 4] + longer_box + content[media.kind_at :] + SECRET
    assert check(telling, "AVIF") == content


def moving(change: Callable[[bytes], bytes]) -> bytes:
    """Return an animated AVIF with a changed film, which is moved to the end of the file."""
    content = bytearray(animation("AVIF", [RED, BLUE, GREEN], [100, 100, 100], size=64))
    film = next(each for each in boxes(content, 0, len(content)) if each.kind == b"moov")
    body = bytes(content[film.body : film.end])
    content[film.kind_at : film.kind_at + 4] = b"free"
    return bytes(content) + box(b"moov", change(body))


def tracks_of(body: bytes) -> list[bytes]:
    return [body[b.kind_at - 4 : b.end] for b in boxes(body, 0, len(body)) if b.kind == b"trak"]


def sounding(body: bytes) -> bytes:
    """Return a film with a track of sound whose one sample lies behind it."""
    track = tracks_of(body)[0].replace(b"pict", b"soun").replace(b"av01", b"mp4a", 1)
    return body + track + box(b"udta", SECRET)


def with_times(body: bytes) -> bytes:
    for kind in (b"mvhd", b"tkhd", b"mdhd"):
        at = body.index(kind) + 8
        width = 8 if body[at - 4] else 4
        body = body[:at] + b"SECRET-PLACE-48."[: 2 * width] + body[at + 2 * width :]
    return body


def test_only_the_tracks_that_show_the_picture_leave() -> None:
    content = moving(sounding)
    copy = check(content, "AVIF")
    assert b"soun" not in copy
    assert b"pict" in copy
    times = strip(moving(with_times), "AVIF")
    assert times is not None
    assert b"SECRET" not in times
    for kind in (b"mvhd", b"tkhd", b"mdhd"):
        at = times.rindex(kind) + 8
        assert not any(times[at : at + 8])


def test_messages_within_coded_pictures_become_padding() -> None:
    keep = b"\x0a\x02\x11\x22" + b"\x32\x03\x01\x02\x03"
    message = b"\x2a" + bytes([len(SECRET) + 1]) + b"\x04" + SECRET
    padding = b"\x7a" + bytes([len(SECRET)]) + SECRET
    light = b"\x2a\x05\x01\0\0\0\x80"
    stripped = strip_av1(keep + message + padding + light)
    assert (len(stripped), SECRET[:8] in stripped) == (len(keep + message + padding + light), False)
    assert stripped.startswith(keep)
    assert stripped.endswith(light)
    assert strip_av1(stripped) == stripped

    def unit(kind: int, body: bytes) -> bytes:
        return struct.pack(">IBB", len(body) + 2, kind << 1, 1) + body

    user = unit(39, bytes([5, len(SECRET)]) + SECRET + b"\x80")
    hevc = unit(19, b"slice") + user + unit(62, SECRET) + unit(39, b"\x90\x04\0\0\0\0\x80")
    stripped = strip_hevc(hevc, 4)
    assert (len(stripped), SECRET[:8] in stripped) == (len(hevc), False)
    assert stripped.startswith(unit(19, b"slice"))
    assert stripped.endswith(unit(39, b"\x90\x04\0\0\0\0\x80"))
    assert strip_hevc(stripped, 4) == stripped
    held = bytes(22) + b"\x01\x27\0\1" + struct.pack(">H", len(user) - 4) + user[4:] + SECRET
    assert SECRET[:8] not in strip_hevc_configuration(held)


def test_a_thousand_extents_of_the_whole_file_cost_no_more_than_one() -> None:
    from images.metadata.kept_bytes import merge

    assert list(merge([(0, 10**7)] * 60_000)) == [(0, 10**7)]
