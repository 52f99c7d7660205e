"""What people send and is not taken is refused by its own name, at every contract."""

import struct

import pytest

from images.formats.inspect import identify
from images.formats.limits import Limits, RefusedPicture
from tests.pictures import encode, jpeg, quarters

LIMITS = Limits(max_bytes=10**6, max_pixels=10**7)
REST = bytes(range(7, 250)) * 3


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def film(brand: bytes, *others: bytes) -> bytes:
    return box(b"ftyp", brand + bytes(4) + b"".join(others)) + box(b"moov", REST)


def tiff(fields: dict[int, tuple[int, bytes]], order: str = "<") -> bytes:
    """Write a directory of fields, whose values follow it."""
    entries, values, at = b"", b"", 8 + 6 + 12 * len(fields)
    for tag, (kind, value) in sorted(fields.items()):
        count = len(value) if kind in {1, 2} else len(value) // {3: 2, 4: 4}[kind]
        place = value.ljust(4, b"\0")
        if len(value) > 4:
            place, values = struct.pack(f"{order}I", at + len(values)), values + value
        entries += struct.pack(f"{order}HHI", tag, kind, count) + place
    magic = b"II*\0" if order == "<" else b"MM\0*"
    head = magic + struct.pack(f"{order}IH", 8, len(fields))
    return head + entries + bytes(4) + values + REST


def raw(make: bytes, order: str = "<", **more: bytes) -> bytes:
    """Write what raw files begin with: a preview, and where the sensor's data lies."""
    short, long = f"{order}H", f"{order}I"
    fields = {
        254: (4, struct.pack(long, 1)),
        256: (3, struct.pack(short, 160)),
        257: (3, struct.pack(short, 120)),
        271: (2, make + b"\0"),
        330: (4, struct.pack(long, 300)),
    }
    return tiff(fields | {int(tag[1:]): (1, value) for tag, value in more.items()}, order)


def tga(kind: int, footer: bytes = b"") -> bytes:
    return struct.pack("<BBBHHBHHHHBB", 0, 0, kind, 0, 0, 0, 0, 0, 20, 10, 24, 32) + REST + footer


SVG = "<svg xmlns='http://www.w3.org/2000/svg'/>"
XML = "<?xml version='1.0' encoding='UTF-8' standalone='no'?>\n"
DOCTYPE = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "svg11.dtd" [<!ENTITY a "b">]>'
FILES: list[tuple[str, bytes]] = [
    ("SVG pictures", SVG.encode()),
    ("SVG pictures", b"\n\t " + SVG.encode()),
    ("SVG pictures", (XML + SVG).encode()),
    ("SVG pictures", (XML + "<!-- made by\nhand -->\n" + DOCTYPE + SVG).encode()),
    ("SVG pictures", DOCTYPE.encode()),
    ("SVG pictures", b"<!doctype SVG>"),
    ("SVG pictures", ("\ufeff" + XML + SVG).encode()),
    ("SVG pictures", ("\ufeff" + SVG).encode("utf-16-le")),
    ("SVG pictures", ("\ufeff" + XML + SVG).encode("utf-16-be")),
    ("SVG pictures", SVG.encode("utf-16-le")),
    ("SVG pictures", (XML + "<svg:svg xmlns:svg='http://www.w3.org/2000/svg'>").encode()),
    ("JPEG XL pictures", b"\xff\x0a" + REST),
    ("JPEG XL pictures", b"\0\0\0\x0cJXL \r\n\x87\n" + REST),
    ("JPEG 2000 pictures", b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 " + REST),
    ("JPEG 2000 pictures", b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjpx " + REST),
    ("JPEG 2000 pictures", b"\xff\x4f\xff\x51" + REST),
    ("JPEG XR pictures", b"II\xbc\1\x20\0\0\0" + REST),
    ("Camera raw (CR2) pictures", b"II*\0\x10\0\0\0CR\2\0" + REST),
    ("Camera raw (CR3) pictures", film(b"crx ", b"crx ", b"isom")),
    ("Camera raw (CRW) pictures", b"II\x1a\0\0\0HEAPCCDR" + REST),
    ("Camera raw (RAF) pictures", b"FUJIFILMCCD-RAW 0201" + REST),
    ("Camera raw (ORF) pictures", b"IIRO\x08\0\0\0" + REST),
    ("Camera raw (ORF) pictures", b"IIRS\x08\0\0\0" + REST),
    ("Camera raw (ORF) pictures", b"MMOR\0\0\0\x08" + REST),
    ("Camera raw (RW2) pictures", b"IIU\0\x18\0\0\0" + REST),
    ("Camera raw (MRW) pictures", b"\0MRM" + REST),
    ("Camera raw (X3F) pictures", b"FOVb" + REST),
    ("Camera raw (NEF) pictures", raw(b"NIKON CORPORATION")),
    ("Camera raw (NEF) pictures", raw(b"NIKON CORPORATION", ">")),
    ("Camera raw (ARW) pictures", raw(b"SONY")),
    ("Camera raw (PEF) pictures", raw(b"PENTAX Corporation", ">")),
    ("Camera raw (PEF) pictures", raw(b"RICOH IMAGING COMPANY, LTD.")),
    ("Camera raw (SRW) pictures", raw(b"SAMSUNG")),
    ("Camera raw (3FR) pictures", raw(b"Hasselblad", ">")),
    ("Camera raw (DNG) pictures", raw(b"Google", _50706=b"\1\4\0\0")),
    ("Camera raw (DNG) pictures", raw(b"SONY", _50706=b"\1\4\0\0")),
    ("Photoshop (PSD) pictures", b"8BPS\0\1" + REST),
    ("Photoshop (PSB) pictures", b"8BPS\0\2" + REST),
    ("EPS pictures", b"%!PS-Adobe-3.0 EPSF-3.0\n" + REST),
    ("EPS pictures", b"\xc5\xd0\xd3\xc6\x20\0\0\0" + REST),
    ("PostScript pictures", b"\x04%!PS-Adobe-3.0\n" + REST),
    ("TGA pictures", tga(2, b"\0" * 8 + b"TRUEVISION-XFILE.\0")),
    ("TGA pictures", REST + b"\0" * 8 + b"TRUEVISION-XFILE.\0"),
    ("TGA pictures", tga(10)),
    ("BMP pictures", b"BM" + REST),
    ("Icon pictures", b"\0\0\1\0" + REST),
    ("BigTIFF pictures", b"MM\0+" + REST),
    ("PNM pictures", b"P6\n30 20\n255\n" + REST),
    ("OpenEXR pictures", b"\x76\x2f\x31\x01" + REST),
    ("HEIF pictures", film(b"avci", b"avci")),
    ("HEIF pictures", film(b"mif3", b"avif"[:3] + b"x")),
    ("PDF files", b"%PDF-1.7\n" + REST),
    ("PDF files", b"junk of a scanner\r\n" + b" " * 500 + b"%PDF-1.4\n" + REST),
    ("MP4 video files", film(b"isom", b"isom", b"mp41")),
    ("MP4 video files", film(b"mp42", b"mp42")),
    ("MP4 video files", film(b"M4V ", b"M4V ")),
    ("MOV video files", film(b"qt  ", b"qt  ")),
    ("MOV video files", box(b"wide", b"") + box(b"mdat", REST)),
    ("MOV video files", box(b"moov", REST)),
    ("3GP video files", film(b"3gp5", b"3gp5", b"isom")),
    ("3GP video files", film(b"3g2a", b"3g2a")),
    ("WebM video files", b"\x1aE\xdf\xa3\x9fB\x86\x81\1B\x82\x84webm" + REST),
    ("Matroska video files", b"\x1aE\xdf\xa3\xa3B\x86\x81\1B\x82\x88matroska" + REST),
    ("AVI video files", b"RIFF\x10\0\0\0AVI LIST" + REST),
    ("HEIF pictures of this kind", film(b"hevc", b"hevc", b"mif1")),
    ("HEIF pictures of this kind", film(b"msf1", b"msf1", b"hevc")),
]


def refusal_of(content: bytes) -> RefusedPicture:
    with pytest.raises(RefusedPicture) as refused:
        identify(content, LIMITS)
    return refused.value


@pytest.mark.parametrize(("name", "content"), FILES)
def test_what_is_not_taken_is_refused_by_its_name(name: str, content: bytes) -> None:
    refused = refusal_of(content)
    assert (refused.code, refused.message) == ("format", f"{name} are not taken.")


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"<html><svg></svg></html>",
        (XML + "<html xmlns='http://www.w3.org/1999/xhtml'/>").encode(),
        b"<!DOCTYPE html><svg/>",
        REST,
        film(b"\xff\xfe\0\1"),
        bytes(500),
        b"P6 of a text",
        b"BEGIN",
    ],
)
def test_anything_else_is_no_picture(content: bytes) -> None:
    assert refusal_of(content).code == "not_an_image"


def test_a_tiff_of_a_camera_maker_is_a_tiff() -> None:
    whole = encode(quarters(40, 30), "TIFF", tiffinfo={271: "NIKON CORPORATION"})
    assert identify(whole, LIMITS).format == "TIFF"
    assert refusal_of(whole[:-2000]).code == "damaged"


def test_a_picture_that_is_taken_is_no_other_whatever_it_ends_with() -> None:
    content = jpeg(40, 30) + b"\0" * 8 + b"TRUEVISION-XFILE.\0"
    assert identify(content, LIMITS).format == "JPEG"
