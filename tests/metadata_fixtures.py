"""Pictures with every kind of metadata, each with the text SECRET in it."""

import struct
from functools import cache
from typing import Any

from PIL import TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from tests.pictures import encode, exif, jpeg, quarters, waves

SECRET = b"SECRET"
_XMP = (
    b"<?xpacket begin=''?><x:xmpmeta xmlns:x='adobe:ns:meta/'>http://ns.adobe.com/ SECRET-XMP"
    b"</x:xmpmeta><?xpacket end='w'?>"
)
STRIP_OFFSETS, STRIP_BYTES = 273, 279
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIC", "TIFF")


@cache
def picture_with_metadata(name: str, orientation: int = 6) -> bytes:
    """Return a picture of a format with every kind of metadata that the format has."""
    if name == "TIFF":
        return _tiff(orientation)
    gps = {"exif": exif(orientation, latitude="SECRET-PLACE")}
    options: dict[str, dict[str, Any]] = {
        "JPEG": {**gps, "xmp": _XMP, "comment": b"SECRET-COMMENT", "quality": 92},
        "PNG": {**gps, "pnginfo": _texts()},
        "WEBP": {**gps, "xmp": _XMP, "lossless": True},
        "GIF": {"comment": b"SECRET-COMMENT"},
        "AVIF": {**gps, "xmp": _XMP, "quality": 92},
        "HEIC": {**gps, "xmp": _XMP, "quality": 92},
    }
    return encode(waves(640, 480), name, **options[name])


def _texts() -> PngInfo:
    texts = PngInfo()
    texts.add_text("Author", "SECRET-AUTHOR")
    texts.add_text("Comment", "SECRET-COMMENT", zip=True)
    texts.add_itxt("XML:com.adobe.xmp", _XMP.decode())
    return texts


def _tiff(orientation: int) -> bytes:
    """Return a TIFF with EXIF, GPS, XMP, IPTC, Photoshop's block, texts and a preview page."""
    fields = TiffImagePlugin.ImageFileDirectory_v2()
    for tag in (269, 270, 271, 305, 306, 315, 33432):
        fields[tag] = "SECRET-TEXT"
    for tag in (700, 33723, 34377, 37724):
        fields[tag] = b"SECRET-BLOCK 8BIM http://ns.adobe.com/xap/1.0/"
        fields.tagtype[tag] = 7
    fields[34665] = {36867: "2020:SECRET-TIME"}
    fields[34853] = {1: "SECRET-PLACE"}
    fields[274] = orientation
    preview = quarters(16, 12)
    preview.encoderinfo = {"tiffinfo": {254: 1, 270: "SECRET-PREVIEW"}}
    return encode(waves(160, 120), "TIFF", tiffinfo=fields, save_all=True, append_images=[preview])


def tiff_with_comment_in_strip() -> bytes:
    """Return a TIFF whose one strip is a JPEG with a comment: it is rendered, but not stripped."""
    strip = jpeg(64, 48, comment=b"SECRET-COMMENT", subsampling=0)
    content = encode(quarters(64, 48), "TIFF", compression="jpeg")
    moved = set_tiff_field(content, STRIP_OFFSETS, len(content))
    return set_tiff_field(moved, STRIP_BYTES, len(strip)) + strip


def tiff_field_offset(content: bytes, tag: int) -> int:
    """Return where a field of the first page is written, in a little-endian file."""
    start = struct.unpack_from("<I", content, 4)[0]
    for n in range(struct.unpack_from("<H", content, start)[0]):
        if struct.unpack_from("<H", content, start + 2 + 12 * n)[0] == tag:
            return int(start + 2 + 12 * n)
    raise AssertionError(tag)


def set_tiff_field(content: bytes, tag: int, value: int) -> bytes:
    """Return the file with another number in a field of the first page."""
    data, at = bytearray(content), tiff_field_offset(content, tag)
    struct.pack_into("<H" if data[at + 2] == 3 else "<I", data, at + 8, value)
    return bytes(data)
