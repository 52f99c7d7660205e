"""What of the smallest boxes of AVIF and HEIC stays (ISO/IEC 14496-12, ISO/IEC 23008-12)."""

import struct

from images.formats.errors import BrokenStructure
from images.formats.isobmff import Box
from images.formats.metadata_groups import MetadataGroup
from images.metadata.coded_units import strip_av1, strip_hevc_configuration
from images.metadata.dropped import Dropped
from images.metadata.icc_profiles import strip_profile
from images.metadata.kept_bytes import KeptBytes

FREE = b"free"
# How pixels are coded, coloured and turned, with the bytes that each has; 0 where that varies.
# Names, descriptions and times (udes, crtt) go.
PROPERTIES = {
    b"av1C": 0, b"hvcC": 0, b"lhvC": 0, b"ispe": 12, b"pixi": 0, b"pasp": 8, b"colr": 0,
    b"auxC": 0, b"auxi": 0, b"clap": 32, b"irot": 1, b"imir": 1, b"rloc": 12, b"lsel": 2,
    b"a1op": 1, b"a1lx": 13, b"clli": 4, b"mdcv": 24, b"cclv": 0, b"amve": 8, b"tols": 6,
    b"oinf": 0, b"ccst": 8, b"btrt": 12,
}  # fmt: skip
ALPHA = (b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")
_COLOUR_NUMBERS_BYTES = 11
_MIN_BOX_BYTES = 8


def free_box(size: int) -> bytes:
    """Return a box of so many bytes that says nothing."""
    return struct.pack(">I4s", size, FREE) + bytes(size - _MIN_BOX_BYTES)


def sized(kind: bytes, body: bytes) -> bytes:
    """Return a box."""
    return struct.pack(">I4s", len(body) + _MIN_BOX_BYTES, kind) + body


def is_alpha(data: bytes, box: Box) -> bool:
    """Tell whether a box says that a picture is the transparency of another."""
    return box.kind in {b"auxC", b"auxi"} and data[box.body + 4 : box.end].startswith(ALPHA)


def strip_property(data: bytes, box: Box, dropped: Dropped) -> bytes | None:
    """Return the body that stays of a property, no longer than it was; None of one that goes."""
    body = data[box.body : box.end]
    if box.kind not in PROPERTIES:
        return None
    if box.kind in {b"auxC", b"auxi"}:
        return body[:4] + body[4:].partition(b"\0")[0] + b"\0"
    if box.kind == b"colr":
        return _strip_colour(body, dropped)
    if box.kind == b"hvcC":
        return strip_hevc_configuration(body)
    if box.kind == b"av1C":
        return body[:4] + strip_av1(body[4:])
    if box.kind == b"pixi":
        return body[: 5 + body[4]]
    return body[: PROPERTIES[box.kind] or len(body)]


def _strip_colour(body: bytes, dropped: Dropped) -> bytes | None:
    if body[:4] in {b"nclx", b"nclc"}:
        return body[:_COLOUR_NUMBERS_BYTES]
    profile = body[4:]
    stripped = strip_profile(profile) if body[:4] in {b"prof", b"rICC"} else b""
    if stripped != profile:
        dropped.add(MetadataGroup.PROFILE, "what colour does not need")
    return body[:4] + stripped if stripped else None


def filled(boxes: list[bytes], size: int) -> bytes:
    """Return boxes with an empty one behind them, so that they have so many bytes.

    Where too few are left for a box, the first empty one of them takes them in.
    """
    content = b"".join(boxes)
    gap = size - len(content)
    if gap >= _MIN_BOX_BYTES:
        return content + free_box(gap)
    if not gap:
        return content
    for n, each in enumerate(boxes):
        if each[4:8] == FREE:
            return b"".join([*boxes[:n], free_box(len(each) + gap), *boxes[n + 1 :]])
    return _with_longer_profile(boxes, gap)


def _with_longer_profile(boxes: list[bytes], gap: int) -> bytes:
    """Return boxes of which a profile has a few zeros more: it is all that became shorter."""
    for n, each in enumerate(boxes):
        if each[4:8] == b"colr" and each[8:12] in {b"prof", b"rICC"}:
            profile = each[12:] + bytes(gap)
            profile = struct.pack(">I", len(profile)) + profile[4:]
            return b"".join([*boxes[:n], sized(b"colr", each[8:12] + profile), *boxes[n + 1 :]])
    raise BrokenStructure("a place too small for an empty box")


def written_property(data: bytes, box: Box, body: bytes) -> bytes:
    """Return a property with what stays of its body: as long as it was, but for a profile."""
    if box.kind == b"colr":
        return sized(box.kind, body)
    return data[box.kind_at - 4 : box.body] + body.ljust(box.end - box.body, b"\0")


def write_shortened(kept: KeptBytes, box: Box, content: bytes) -> None:
    """Write a box where another lay, and an empty one into what is left of its place.

    Where that is too little for a box, zeros stay at its end: mostly as many bytes as decoders
    passed over there.
    """
    start = box.kind_at - 4
    left = box.end - start - len(content)
    if 0 < left < _MIN_BOX_BYTES:
        content = sized(content[4:8], content[_MIN_BOX_BYTES:] + bytes(left))
    kept.write(start, filled([content], box.end - start))
