"""One reader of the orientation: stated size, thumbnails, the stripped copy and browsers agree."""

import struct
from io import BytesIO
from pathlib import Path
from zlib import crc32

import pytest
from PIL import Image

from images.formats.detect import codec_of
from images.formats.exif import orientation_of
from images.formats.inspect import inspect
from images.formats.limits import Limits
from images.metadata.strip import strip
from tests.decoding import render_thumbnails
from tests.pictures import encode, quarters

LIMITS = Limits(max_bytes=10**6, max_pixels=10**6)
BYTE, ASCII, SHORT, LONG, SIGNED = 1, 2, 3, 4, 8
NAMES = ("JPEG", "PNG", "WEBP")


def block(
    kind: int = SHORT, count: int = 1, value: int = 6, *, order: str = ">", magic: int = 42
) -> bytes:
    """Return EXIF that states an orientation as values of a type, all the same."""
    letter = {BYTE: "B", ASCII: "c", SHORT: "H", LONG: "I", SIGNED: "h"}[kind]
    values = [b"6"] * count if kind == ASCII else [value] * count
    packed = struct.pack(f"{order}{count}{letter}", *values)
    tail = b"" if len(packed) <= 4 else packed
    inline = packed.ljust(4, b"\0") if not tail else struct.pack(f"{order}I", 26)
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", magic, 8)
    entry = struct.pack(f"{order}HHI", 0x0112, kind, count) + inline
    return head + struct.pack(f"{order}H", 1) + entry + bytes(4) + tail


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


def picture(name: str, exif: bytes) -> bytes:
    """Return a picture of 60 by 40 with a block of EXIF as it is."""
    content = encode(quarters(60, 40), name, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
    stored = opened(content).info["exif"]
    if name == "PNG":
        at = content.index(b"eXIf")
        length = struct.unpack_from(">I", content, at - 4)[0]
        body = b"eXIf" + exif
        chunk = struct.pack(">I", len(exif)) + body + struct.pack(">I", crc32(body))
        return content[: at - 4] + chunk + content[at + 4 + length + 4 :]
    if name == "WEBP":
        at = content.index(b"EXIF")
        length = struct.unpack_from("<I", content, at + 4)[0]
        chunk = b"EXIF" + struct.pack("<I", len(exif)) + exif + b"\0" * (len(exif) % 2)
        rest = content[12:at] + chunk + content[at + 8 + length + length % 2 :]
        return b"RIFF" + struct.pack("<I", len(rest) + 4) + b"WEBP" + rest
    at = content.index(stored)
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    return content[: at - 4] + segment + content[at + len(stored) :]


READ = {
    "SHORT": block(),
    "SHORT, little-endian": block(order="<"),
    "two of them": block(count=2),
    "five of them, elsewhere": block(count=5),
    "BYTE": block(BYTE),
    "seven BYTEs, elsewhere": block(BYTE, 7, order="<"),
    "LONG": block(LONG),
}
NOT_READ = {
    "ASCII": block(ASCII),
    "signed": block(SIGNED),
    "9": block(value=9),
    "0": block(value=0),
    "none of them": block(count=0),
    "BigTIFF": block(magic=43),
    "cut short": block()[:18],
    "nothing": b"",
}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("prefix", [b"Exif\0\0", b"Exif\0\xff", b""])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("exif", "expected"),
    [*((each, 6) for each in READ.values()), *((each, 1) for each in NOT_READ.values())],
    ids=[*READ, *NOT_READ],
)
def test_everybody_reads_the_same_orientation(
    tmp_path: Path, name: str, prefix: bytes, exif: bytes, expected: int
) -> None:
    if name == "JPEG" and not prefix:
        expected = 1  # a segment that says of what it is does so by this prefix
    content = picture(name, prefix + exif)
    facts = inspect(content, LIMITS)
    assert (facts.width, facts.height) == ((40, 60) if expected == 6 else (60, 40))
    (tmp_path / "source").write_bytes(content)
    [made] = render_thumbnails(tmp_path / "source", [400], tmp_path).thumbnails
    assert (made.width_px, made.height_px) == (facts.width, facts.height)
    copy = strip(content, name) or content
    assert inspect(copy, LIMITS) == facts
    # Pillow reads as browsers do: of the copy at least it reads what is meant.
    assert opened(copy).getexif().get(0x0112, 1) == expected


@pytest.mark.parametrize("kind", [BYTE, SHORT, LONG])
def test_a_tiffs_field_is_read_alike(tmp_path: Path, kind: int) -> None:
    content = bytearray(encode(quarters(60, 40), "TIFF", exif=_orientation(6)))
    at = content.index(struct.pack("<HHI", 0x0112, SHORT, 1))
    content[at : at + 12] = struct.pack("<HHI", 0x0112, kind, 1) + bytes([6, 0, 0, 0])
    facts = inspect(bytes(content), LIMITS)
    assert (facts.width, facts.height) == (40, 60)
    (tmp_path / "source").write_bytes(content)
    [made] = render_thumbnails(tmp_path / "source", [400], tmp_path).thumbnails
    assert (made.width_px, made.height_px) == (40, 60)
    copy = strip(bytes(content), "TIFF") or bytes(content)
    assert opened(copy).getexif()[0x0112] == 6


def test_a_tiffs_orientation_that_is_no_number_is_none() -> None:
    content = bytearray(encode(quarters(60, 40), "TIFF", exif=_orientation(6)))
    at = content.index(struct.pack("<HHI", 0x0112, SHORT, 1))
    content[at : at + 12] = struct.pack("<HHI", 0x0112, ASCII, 2) + b"6\0\0\0"
    facts = inspect(bytes(content), LIMITS)
    assert (facts.width, facts.height) == (60, 40)


def _orientation(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def test_of_a_jpegs_two_blocks_the_first_counts() -> None:
    content = picture("JPEG", b"Exif\0\0" + block())
    second = b"Exif\0\0" + block(value=3)
    content = content.replace(
        b"\xff\xdb", b"\xff\xe1" + struct.pack(">H", len(second) + 2) + second + b"\xff\xdb", 1
    )
    codec = codec_of(content)
    assert codec is not None
    assert codec.orientation(content) == 6


def test_a_block_of_many_entries_is_read_once() -> None:
    entries = struct.pack(">HHII", 0x0100, LONG, 1, 1) * 65_535
    assert orientation_of(b"MM\0*\0\0\0\x08\xff\xff" + entries) == 1
