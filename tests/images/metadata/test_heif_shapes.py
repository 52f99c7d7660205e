"""AVIF and HEIC in every shape that their boxes may have: what is taken can be given clean."""

import struct
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from PIL import Image

from images.formats.facts import Facts
from images.formats.inspect import inspect
from images.formats.isobmff import boxes, require_box
from images.formats.isobmff_items import find_spans, read_items, read_locations
from images.formats.isobmff_relations import primary_item, read_properties, read_references
from images.formats.limits import Limits, RefusedPicture
from images.formats.resizing import resize
from images.metadata.strip import strip
from tests.pictures import encode, waves

LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)
SECRET = b"taken by Alice at 48.8584 N"


@dataclass(frozen=True)
class Shape:
    """How the boxes of a file are written; the defaults are those of most files."""

    location_version: int = 1
    method: int = 0
    offset_width: int = 4
    length_width: int = 4
    base_width: int = 0
    is_long: bool = False  # numbers of items in four bytes
    pieces: int = 1
    source: int = 0
    place: str = "mdat"
    media_header: str = "plain"
    slack: bytes = b""  # behind what pitm, iloc and hdlr hold
    handler_bytes: int = 25
    information_version: int = 0
    wide_properties: bool = False
    media_first: bool = False
    unknown: bytes = b""  # a method for an item that is no picture


def box(kind: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def full(kind: bytes, *bodies: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *bodies)


@cache
def source_of(name: str, mode: str) -> bytes:
    picture = waves(96, 64)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize((96, 64)))
    return encode(picture, name)


def written(content: bytes, shape: Shape) -> bytes:
    """Return the same items in other boxes, with one of text beside them."""
    meta = require_box(content, 0, len(content), b"meta")
    places = read_locations(content, meta)
    data = {
        item.number: b"".join(
            content[slice(*each)] for each in find_spans(content, meta, places.get(item.number))
        )
        for item in read_items(content, meta)
    }
    kinds = {item.number: item.kind for item in read_items(content, meta)}
    secret = max(kinds) + 1
    kinds[secret], data[secret] = b"mime", SECRET
    # The head's length does not depend on where the media begins.
    head = _head(content, kinds, data, shape, 0)
    media = b"".join(data.values())
    if shape.media_first:
        file_type = content[: struct.unpack_from(">I", content)[0]]
        start = len(file_type) + len(_media(shape, media)) - len(media)
        body = _head(content, kinds, data, shape, start)[len(file_type) :]
        return file_type + _media(shape, media) + body
    start = len(head) + len(_media(shape, media)) - len(media)
    return _head(content, kinds, data, shape, start) + _media(shape, media)


def _media(shape: Shape, media: bytes) -> bytes:
    if shape.method == 1 or shape.place == "nowhere":
        return media if shape.method == 0 else b""
    kind = shape.place.encode()
    if shape.media_header == "long":
        return struct.pack(">I4sQ", 1, kind, len(media) + 16) + media
    if shape.media_header == "to the end":
        return struct.pack(">I4s", 0, kind) + media
    return box(kind, media)


def _head(
    content: bytes, kinds: dict[int, bytes], data: dict[int, bytes], shape: Shape, start: int
) -> bytes:
    meta = require_box(content, 0, len(content), b"meta")
    letter = "I" if shape.is_long else "H"
    first = primary_item(content, meta)
    handler = (bytes(4) + b"pict" + bytes(13) + shape.slack)[: shape.handler_bytes - 4]
    entries = b"".join(
        full(
            b"infe",
            struct.pack(f">{letter}H4s", number, 0, kind),
            b"\0text/plain\0" if kind == b"mime" else b"\0",
            version=3 if shape.is_long else 2,
        )
        for number, kind in kinds.items()
    )
    count = struct.pack(">I" if shape.information_version else ">H", len(kinds))
    references = b"".join(
        box(
            each.kind,
            struct.pack(f">{letter}H", each.source, len(each.targets)),
            struct.pack(f">{len(each.targets)}{letter}", *each.targets),
        )
        for each in read_references(content, meta)
    )
    parts = [
        full(b"hdlr", handler),
        full(b"pitm", struct.pack(f">{letter}", first), shape.slack, version=int(shape.is_long)),
        full(b"iloc", _locations(data, shape, start), shape.slack, version=shape.location_version),
        full(b"iinf", count, entries, version=shape.information_version),
        full(b"iref", references, version=int(shape.is_long)) if references else b"",
        box(b"iprp", _properties(content, shape)),
        box(b"idat", b"".join(data.values())) if shape.method == 1 else b"",
    ]
    file_type = content[: struct.unpack_from(">I", content)[0]]
    return file_type + full(b"meta", *parts)


def _locations(data: dict[int, bytes], shape: Shape, start: int) -> bytes:
    widths = shape.offset_width << 12 | shape.length_width << 8 | shape.base_width << 4
    letter = "I" if shape.location_version == 2 else "H"
    listed, at = [], 0 if shape.method == 1 else start
    for number, content in data.items():
        entry = struct.pack(f">{letter}", number)
        if shape.location_version:
            method = shape.unknown[0] if shape.unknown and content == SECRET else shape.method
            entry += struct.pack(">H", method)
        base = at if shape.base_width else 0
        entry += struct.pack(">H", shape.source) + base.to_bytes(shape.base_width, "big")
        size = -(-len(content) // shape.pieces)
        pieces = [content[n : n + size] for n in range(0, len(content), size)]
        entry += struct.pack(">H", len(pieces))
        for piece in pieces:
            entry += (at - base).to_bytes(shape.offset_width, "big")
            entry += len(piece).to_bytes(shape.length_width, "big")
            at += len(piece)
        listed.append(entry)
    return struct.pack(f">H{letter}", widths, len(listed)) + b"".join(listed)


def _properties(content: bytes, shape: Shape) -> bytes:
    meta = require_box(content, 0, len(content), b"meta")
    holder = require_box(content, meta.body + 4, meta.end, b"iprp")
    known = require_box(content, holder.body, holder.end, b"ipco")
    starts = [each.body for each in boxes(content, known.body, known.end)]
    letter, wide = ("I" if shape.is_long else "H"), ("H" if shape.wide_properties else "B")
    found = read_properties(content, meta)
    listed = struct.pack(">I", len(found))
    for number, properties in found.items():
        numbers = [1 + starts.index(each.body) for each in properties]
        listed += struct.pack(f">{letter}B{len(numbers)}{wide}", number, len(numbers), *numbers)
    return content[known.kind_at - 4 : known.end] + full(
        b"ipma", listed, version=int(shape.is_long), flags=int(shape.wide_properties)
    )


PLAIN = Shape()
LONG = replace(PLAIN, is_long=True, location_version=2)
SHAPES = {
    "plain": PLAIN,
    "version 0": replace(PLAIN, location_version=0),
    "version 2": LONG,
    "long counts": replace(PLAIN, information_version=1),
    "wide numbers of properties": replace(LONG, wide_properties=True),
    "in idat": replace(PLAIN, method=1),
    "in idat, with a base": replace(LONG, method=1, base_width=4),
    "a base alone": replace(PLAIN, base_width=4, offset_width=0),
    "a base of eight bytes": replace(PLAIN, base_width=8, offset_width=4),
    "offsets of eight bytes": replace(PLAIN, offset_width=8, length_width=8),
    "pieces": replace(PLAIN, pieces=3),
    "another file's number": replace(PLAIN, source=1),
    "in a free box": replace(PLAIN, place="free"),
    "in a box of one's own": replace(PLAIN, place="abcd"),
    "behind the boxes": replace(PLAIN, place="nowhere"),
    "a long head": replace(PLAIN, media_header="long"),
    "a head without length": replace(PLAIN, media_header="to the end"),
    "media first": replace(PLAIN, media_first=True),
    "a handler without name": replace(PLAIN, handler_bytes=24),
    "a text made of another item": replace(PLAIN, unknown=b"\2"),
    **{f"{n} bytes more": replace(PLAIN, slack=SECRET[:n]) for n in (1, 3, 7, 8, 9)},
    **{f"{n} bytes more, long": replace(LONG, slack=SECRET[:n]) for n in (2, 5)},
}
# What their decoders do not read.
NOT_TAKEN = {
    ("AVIF", "a handler without name"),
    ("AVIF", "a text made of another item"),
}


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("name", ["AVIF", "HEIC"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_taken_is_cleaned(name: str, mode: str, shape: str) -> None:
    content = written(source_of(name, mode), SHAPES[shape])
    facts = facts_of(content)
    assert (facts is None) == ((name, shape) in NOT_TAKEN)
    if facts is None:
        return
    clean = strip(content, name)
    assert clean is not None
    assert SECRET[:8] not in clean
    assert facts_of(clean) == facts
    assert strip(clean, name) is None
    shown = [resize(each, height=64).numpy() for each in (content, clean, source_of(name, mode))]
    assert np.array_equal(shown[0], shown[1])
    assert np.array_equal(shown[0], shown[2])


def facts_of(content: bytes) -> Facts | None:
    try:
        return inspect(content, LIMITS)
    except RefusedPicture:
        return None


@pytest.mark.parametrize("name", ["AVIF", "HEIC"])
def test_a_part_without_data_is_cleaned_or_refused(name: str) -> None:
    """An item may be listed without a place: of some parts decoders do without."""
    content = source_of(name, "RGBA")
    meta = require_box(content, 0, len(content), b"meta")
    first = primary_item(content, meta)
    box_at = require_box(content, meta.body + 4, meta.end, b"iloc")
    base_width = content[box_at.body + 5] >> 4
    for number, place in read_locations(content, meta).items():
        changed = bytearray(content)
        at = place.source_at + 2 + base_width
        count = struct.unpack_from(">H", changed, at)[0]
        assert count == 1
        # Without its extent, the entry is followed by what is no entry any more.
        end = place.entry[1]
        rest = bytes(changed[end : box_at.end])
        changed[at : at + 2] = b"\0\0"
        changed[at + 2 : box_at.end] = rest + bytes(box_at.end - at - 2 - len(rest))
        facts = facts_of(bytes(changed))
        assert facts is None or number != first
        if facts is not None:
            clean = strip(bytes(changed), name)
            assert clean is None or facts_of(clean) == facts


def test_a_heic_with_two_boxes_of_items_is_refused() -> None:
    content = source_of("HEIC", "RGB")
    meta = require_box(content, 0, len(content), b"meta")
    assert facts_of(content + content[meta.kind_at - 4 : meta.end]) is None
