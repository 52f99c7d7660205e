"""Finds a file's metadata by other readers than the service's own.

Structures are read by Pillow and pillow-heif; then the bytes are searched for what marks metadata
and for the texts that the original's metadata hold.
"""

import struct
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD

ORIENTATION = 0x0112
_IFDS = (IFD.Exif, IFD.GPSInfo, IFD.Interop)
# The fields of a TIFF that say how its pixels are stored; every other one is metadata.
_PIXEL_FIELDS = frozenset({
    254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284,
    290, 291, 292, 293, 296, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 332, 334, 336,
    338, 339, 340, 341, 347, 529, 530, 531, 532, 34675,
})  # fmt: skip
# The entries of Pillow's `info` that are no metadata; every other one is.
_PIXEL_INFO = frozenset({
    "adobe", "adobe_transform", "aspect", "aux", "background", "bbox", "bit_depth", "blend",
    "chroma", "chromaticity", "compression", "default_image", "depth_images", "disposal", "dpi",
    "duration", "exif", "extension", "gamma", "heif", "icc_profile", "icc_profile_type",
    "interlace", "jfif", "jfif_density", "jfif_unit", "jfif_version", "loop", "metadata",
    "nclx_profile", "original_orientation", "pixel_aspect_ratio", "premultiplied_alpha",
    "primary", "progression", "progressive", "resolution", "srgb", "thumbnails", "tiling",
    "timestamp", "transparency", "version",
})  # fmt: skip
_SIGNATURES = (
    b"Exif\0\0", b"http://ns.adobe.com", b"x:xmpmeta", b"<?xpacket", b"Photoshop 3.0",
    b"8BIM\x04", b"XML:com.adobe.xmp", b"Raw profile type", b"XMP DataXMP", b"FPXR\0", b"MPF\0",
)  # fmt: skip
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf")
_MIN_TEXT_BYTES = 6


def find_metadata(content: bytes) -> list[str]:
    """Return what metadata a file has; an orientation alone is none."""
    found = list(_metadata_in_structures(content))
    rest = _without_orientation(content)
    found += [signature.decode("latin-1") for signature in _SIGNATURES if signature in rest]
    found += _png_texts(content)
    if content.startswith(b"\xff\xd8") and content.count(b"\xff\xd8\xff") > 1:
        found.append("a second picture")
    return found


def metadata_texts(content: bytes) -> set[bytes]:
    """Return the texts that a file's metadata hold, such as a camera, a place or a name."""
    texts: set[bytes] = set()
    with _open(content) as image:
        for value in _values(image):
            text = value.encode() if isinstance(value, str) else value
            if isinstance(text, bytes) and len(text.strip(b"\0 ")) >= _MIN_TEXT_BYTES:
                texts.add(text.strip(b"\0 ")[:64])
        harmless = image.info.get("icc_profile") or b""
    return {each for each in texts if each not in harmless and len(set(each)) > 3}


def _values(image: Image.Image) -> Iterator[Any]:
    exif = _exif(image)
    known = _PIXEL_FIELDS if image.format == "TIFF" else frozenset({ORIENTATION})
    yield from (value for tag, value in exif.items() if tag not in known)
    for ifd in _IFDS:
        yield from _ifd(exif, ifd).values()
    for name, value in image.info.items():
        if name not in _PIXEL_INFO:
            yield value


def _metadata_in_structures(content: bytes) -> Iterator[str]:
    with _open(content) as image:
        exif = _exif(image)
        known = _PIXEL_FIELDS if image.format == "TIFF" else {ORIENTATION}
        yield from (f"EXIF field {tag}" for tag in exif if tag not in known)
        yield from (f"IFD {name.name}" for name in _IFDS if _ifd(exif, name))
        for name, value in image.info.items():
            if name not in _PIXEL_INFO and value:
                yield f"info {name}"
        if image.info.get("thumbnails"):
            yield "a preview"
        hidden = image.info.get("metadata") or []
        if any(each["data"].strip(b"\0") for each in hidden):
            yield "a metadata item"


def _exif(image: Image.Image) -> Image.Exif:
    try:
        return image.getexif()
    except Exception:  # noqa: BLE001 (broken EXIF holds nothing that could be compared)
        return Image.Exif()


def _ifd(exif: Image.Exif, name: IFD) -> dict[Any, Any]:
    try:
        return dict(exif.get_ifd(name))
    except Exception:  # noqa: BLE001
        return {}


def _open(content: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(BytesIO(content))


def _without_orientation(content: bytes) -> bytes:
    """Leave out the smallest EXIF there can be: one field, the orientation."""
    start = content.find(b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03")
    if start < 0:
        return content
    return content[:start] + content[start + 6 + 26 :]


def _png_texts(content: bytes) -> list[str]:
    if not content.startswith(b"\x89PNG"):
        return []
    found, position = [], 8
    while position + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        is_orientation = kind == b"eXIf" and length == 26
        if kind in _PNG_TEXTS and not is_orientation:
            found.append(kind.decode())
        position += 12 + length
    if position != len(content):
        found.append("something after the end")
    return found
