"""The formats that are taken, and how content tells them apart."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """A picture format: our name for it, our file extension, its media type (RFC 6838)."""

    name: str
    extension: str
    content_type: str


FORMATS = {
    each.name: each
    for each in (
        Format("JPEG", "jpg", "image/jpeg"),
        Format("PNG", "png", "image/png"),
        Format("WEBP", "webp", "image/webp"),
        Format("GIF", "gif", "image/gif"),
        Format("AVIF", "avif", "image/avif"),
        Format("HEIC", "heic", "image/heic"),
        Format("TIFF", "tif", "image/tiff"),
    )
}
EXTENSIONS = {name: each.extension for name, each in FORMATS.items()}
CONTENT_TYPES = {name: each.content_type for name, each in FORMATS.items()}

HEAD_BYTES = 64
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
# Formats that people do send, so that the refusal can name them.
_KNOWN_STARTS = {
    b"BM": "BMP",
    b"II+\0": "BigTIFF",
    b"MM\0+": "BigTIFF",
    b"II*\0\x10\0\0\0CR": "camera raw",
    b"%PDF": "PDF",
    b"8BPS": "Photoshop",
    b"<svg": "SVG",
    b"\0\0\x01\0": "icon",
}


def sniff(head: bytes) -> str | None:
    """Return the name of the format in FORMATS that the first bytes are of, else None."""
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith((b"II*\0", b"MM\0*")):
        return None if head[8:10] == b"CR" else "TIFF"
    return _by_brand(_brands(head))


def _by_brand(brands: set[bytes]) -> str | None:
    """AVIF first: its files may bear HEIF's general brands as well."""
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIC" if brands & _HEIC_BRANDS else None


def refused_format(head: bytes) -> str | None:
    """Name a known format that is not taken, for the refusal; None where nothing is recognized."""
    start = head.lstrip()
    return next((name for magic, name in _KNOWN_STARTS.items() if start.startswith(magic)), None)


def _brands(head: bytes) -> set[bytes]:
    """Read the brands of an ISO base media file (ISO/IEC 14496-12, section 4.3)."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[i : i + 4] for i in range(16, end, 4))}
