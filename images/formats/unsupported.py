"""Files that people do send and that are not taken, told by their content so as to be named.

Nothing is decoded, and of a file no more is read than its first kilobytes and its last bytes.
"""

import codecs
import re
import struct

from images.formats.isobmff import brands
from images.formats.limits import UNSUPPORTED, UNSUPPORTED_FILE
from images.formats.scan import Buffer

_HEAD_BYTES = 4096
# How far from its begin a PDF may start (PDF 32000-1, annex H.3.4.1).
_PDF_WITHIN = 1024
_TGA_FOOTER = b"TRUEVISION-XFILE.\0"
RAW = "Camera raw ({kind})"
_VIDEO = "{kind} video"
# By what a file begins with, at a position.
_PICTURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"BM", "BMP"),
    (0, b"II+\0", "BigTIFF"),
    (0, b"MM\0+", "BigTIFF"),
    (0, b"II\xbc", "JPEG XR"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"JXL \r\n\x87\n", "JPEG XL"),
    (4, b"jP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"8BPS\0\1", "Photoshop (PSD)"),
    (0, b"8BPS\0\2", "Photoshop (PSB)"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\0\0\1\0", "Icon"),
    (0, b"\0\0\2\0\1\0", "Cursor"),
    (0, b"icns", "Icon"),
    (0, b"\xc5\xd0\xd3\xc6", "EPS"),
    (0, b"gimp xcf", "GIMP (XCF)"),
    (0, b"DDS ", "DDS"),
    (0, b"qoif", "QOI"),
    (0, b"\x76\x2f\x31\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"\xd7\xcd\xc6\x9a", "WMF"),
    (0, b"AT&TFORM", "DjVu"),
    (0, b"\x8bJNG", "JNG"),
    (0, b"\x8aMNG", "MNG"),
    (0, b"\x0a\x05\x01", "PCX"),
    (128, b"DICM", "DICOM"),
    (8, b"CR\2", RAW.format(kind="CR2")),
    (6, b"HEAPCCDR", RAW.format(kind="CRW")),
    (0, b"FUJIFILMCCD-RAW", RAW.format(kind="RAF")),
    (0, b"IIRO", RAW.format(kind="ORF")),
    (0, b"IIRS", RAW.format(kind="ORF")),
    (0, b"MMOR", RAW.format(kind="ORF")),
    (0, b"IIU\0", RAW.format(kind="RW2")),
    (0, b"\0MRM", RAW.format(kind="MRW")),
    (0, b"FOVb", RAW.format(kind="X3F")),
)
_VIDEOS: tuple[tuple[int, bytes, str], ...] = (
    (8, b"AVI ", "AVI"),
    (0, b"\0\0\1\xba", "MPEG"),
    (0, b"\0\0\1\xb3", "MPEG"),
    (0, b"FLV\1", "Flash"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
    (0, b"OggS", "Ogg"),
    # QuickTime's oldest files begin with a box of another kind.
    *((4, kind, "MOV") for kind in (b"moov", b"mdat", b"wide", b"pnot")),
)
_MP4_BRANDS = (b"iso", b"mp4", b"avc", b"M4V", b"M4A", b"f4v", b"dash", b"mmp4", b"MSNV")
_EBML = b"\x1aE\xdf\xa3"
# Codings of HEIF that have no decoder here.
_HEIF_BRANDS = frozenset(
    {b"avci", b"avcs", b"j2ki", b"j2is", b"vvic", b"vvis", b"evbi", b"evbs", b"mif3"}
)
_PNM = re.compile(rb"P[1-7FfHh]\s[\s#0-9A-Z-]")
_PROLOG = re.compile(r"\s*(<\?.*?\?>|<!--.*?-->|\s)*", re.DOTALL)
_SVG = re.compile(r"<([\w.-]+:)?svg[\s>/]|<!doctype\s+([\w.-]+:)?svg\b", re.IGNORECASE)
_BYTE_ORDERS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be", b"<\0": "utf-16-le"}
_BYTE_ORDERS[b"\0<"] = "utf-16-be"
for _encoding in _BYTE_ORDERS.values():
    # A sandboxed process can open no module's file later.
    codecs.lookup(_encoding)
# By how the field Make begins; whatever they write in a TIFF that no TIFF reader shows.
_RAW_BY_MAKER = {
    "NIKON": "NEF",
    "SONY": "ARW",
    "PENTAX": "PEF",
    "RICOH": "PEF",
    "CANON": "CR2",
    "OLYMPUS": "ORF",
    "PANASONIC": "RW2",
    "LEICA": "RWL",
    "SAMSUNG": "SRW",
    "HASSELBLAD": "3FR",
    "PHASE ONE": "IIQ",
    "LEAF": "MOS",
    "EPSON": "ERF",
    "SEIKO EPSON": "ERF",
    "KODAK": "DCR",
    "EASTMAN KODAK": "DCR",
    "MAMIYA": "MEF",
    "FUJIFILM": "RAF",
}


def refusal_of(data: Buffer) -> str | None:
    """Return the sentence which says of what kind a file is that is not taken; None if unknown."""
    head = bytes(data[:_HEAD_BYTES])
    picture = _by_signature(_PICTURES, head) or _by_structure(head, data)
    if picture:
        return UNSUPPORTED.format(name=picture)
    video = _by_signature(_VIDEOS, head) or _video(head)
    if video:
        return UNSUPPORTED_FILE.format(name=_VIDEO.format(kind=video))
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return UNSUPPORTED_FILE.format(name="PDF")
    return UNSUPPORTED.format(name="TGA") if _looks_like_tga(head) else None


def raw_by_maker(make: str) -> str | None:
    """Return the name of the raw files that a maker of cameras writes."""
    kinds = _RAW_BY_MAKER.items()
    kind = next((kind for maker, kind in kinds if make.strip().upper().startswith(maker)), None)
    return RAW.format(kind=kind) if kind else None


def _by_signature(signatures: tuple[tuple[int, bytes, str], ...], head: bytes) -> str | None:
    return next((name for at, begin, name in signatures if head.startswith(begin, at)), None)


def _by_structure(head: bytes, data: Buffer) -> str | None:
    found = brands(head)
    if b"crx " in found:
        return RAW.format(kind="CR3")
    if found & _HEIF_BRANDS:
        return "HEIF"
    if _is_svg(head):
        return "SVG"
    if head.lstrip(b"\4\r\n\t ").startswith(b"%!PS"):
        return "EPS" if b"EPSF" in head[:40] else "PostScript"
    if _PNM.match(head):
        return "PNM"
    return "TGA" if bytes(data[-len(_TGA_FOOTER) :]) == _TGA_FOOTER else None


def _is_svg(head: bytes) -> bool:
    """Look behind a byte order mark, declarations, comments and white space."""
    text = head.decode(_BYTE_ORDERS.get(head[:2], "utf-8"), "replace").lstrip("\ufeff")
    prolog = _PROLOG.match(text)
    return bool(_SVG.match(text, prolog.end() if prolog else 0))


def _video(head: bytes) -> str | None:
    if head.startswith(_EBML):
        return "WebM" if b"webm" in head[:64] else "Matroska"
    found = brands(head)
    if head[8:12] == b"qt  " and found:
        return "MOV"
    if head[8:10] == b"3g" and found:
        return "3GP"
    return "MP4" if any(each.startswith(_MP4_BRANDS) for each in found) else None


def _looks_like_tga(head: bytes) -> bool:
    """Judge a header without signature (Truevision TGA 2.0) by what its fields may hold."""
    if len(head) < 18:
        return False
    _, has_map, kind, map_start, map_length, map_bits = struct.unpack_from("<BBBHHB", head)
    width, height, bits, flags = struct.unpack_from("<HHBB", head, 12)
    is_mapped = kind in {1, 9}
    return (
        kind in {1, 2, 3, 9, 10, 11}
        and has_map == is_mapped
        and (is_mapped or not (map_start or map_length or map_bits))
        and (not is_mapped or map_bits in {15, 16, 24, 32})
        and min(width, height) > 0
        and bits in {8, 15, 16, 24, 32}
        and flags & 0xC0 == 0
    )
