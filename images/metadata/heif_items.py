"""The items of AVIF and HEIC (`meta`): those that the picture needs, and nothing that names others.

Boxes become shorter where they lie, so that no offset changes.
"""

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable

from images.formats.errors import require
from images.formats.isobmff import Box, Reader, boxes, require_box
from images.formats.isobmff_items import Item, find_spans, read_items, read_locations
from images.formats.isobmff_relations import (
    Reference,
    primary_item,
    property_boxes,
    read_properties,
    read_references,
)
from images.formats.metadata_groups import MetadataGroup
from images.metadata.dropped import UNUSED_BYTES, Dropped
from images.metadata.iso_boxes import (
    PROPERTIES,
    filled,
    free_box,
    is_alpha,
    sized,
    strip_property,
    write_shortened,
    written_property,
)
from images.metadata.kept_bytes import KeptBytes, Span

# Coded pictures and what combines them; anything else (Exif, XMP as mime, uri) is metadata.
PICTURES = frozenset({b"av01", b"hvc1", b"grid", b"iden", b"iovl", b"tmap", b"sato"})
# Made of others without being a part of them: a tone map, samples of more bits.
_VARIANTS = frozenset({b"tmap", b"sato"})
_RELATIONS = frozenset({b"dimg", b"auxl", b"prem", b"thmb", b"base", b"tbas", b"pred", b"exbl"})
# Where data lies: in the same file.
OWN_FILE = sized(b"dref", bytes(7) + b"\1" + sized(b"url ", b"\0\0\0\1"))
# Names that encoders give by themselves, which say nothing of a person or a place.
HARMLESS_NAMES = frozenset({b"", b"Color", b"Alpha", b"GMap", b"libavif", b"PictureHandler"})
_HANDLER_BYTES = 24
_MIN_BOX_BYTES = 8
# Of more, and of what is longer, nothing is named.
_MAX_BLOCKS, _MAX_BLOCK_BYTES = 20, 1024 * 1024
_FURTHER_PICTURE = (MetadataGroup.PICTURE, "further picture")
_PICTURES_BY_ROLE = {
    b"thmb": (MetadataGroup.PREVIEW, "thumbnail"),
    b"auxl": (MetadataGroup.PICTURE, "auxiliary picture"),
}


class Items:
    """The items of a file and how they belong together; raises BrokenStructure."""

    def __init__(self, data: bytes, meta: Box) -> None:
        """Read the boxes."""
        self.data, self.meta = data, meta
        inner = list(boxes(data, meta.body + 4, meta.end))
        self.boxes = {box.kind: box for box in reversed(inner)}
        self.others = [box for box in inner if box is not self.boxes[box.kind]]
        self.all = list(read_items(data, meta))
        self.references = list(read_references(data, meta))
        self.properties = read_properties(data, meta)
        self.locations = read_locations(data, meta)
        self.wanted = self._find_wanted()

    def spans(self, number: int) -> list[Span]:
        """Return where a wanted item's bytes lie; raises BrokenStructure where that is not told."""
        return find_spans(self.data, self.meta, self.locations.get(number))

    def unit_width(self, number: int) -> int:
        """Return in how many bytes the units of a picture in HEVC state their lengths (`hvcC`)."""
        found = (each for each in self.properties.get(number, []) if each.kind == b"hvcC")
        box = next(found, None)
        return 4 if box is None else 1 + (self.data[box.body + 21] & 3)

    def content(self, number: int) -> bytes:
        """Return the beginning of an item's content: items may overlap, and there may be many."""
        location = self.locations.get(number)
        if location is None or location.method > 1:
            return b""
        store = self.boxes.get(b"idat")
        origin = store.body if store and location.method else 0
        parts = location.extents[:_MAX_BLOCKS]
        return b"".join(self.data[origin + start : origin + end] for start, end in parts)[
            :_MAX_BLOCK_BYTES
        ]

    def _find_wanted(self) -> frozenset[int]:
        """Return the items of the primary picture: its parts, its transparency, its variants."""
        kinds = {item.number: item.kind for item in self.all if item.kind in PICTURES}
        if not kinds or b"pitm" not in self.boxes:
            return frozenset()
        first = primary_item(self.data, self.meta)
        require(first in kinds, "a primary picture of another kind")
        held = self.properties.items()
        alpha = {n for n, found in held if any(is_alpha(self.data, each) for each in found)}
        following: defaultdict[int, set[int]] = defaultdict(set)
        for ref in self.references:
            # A primary picture that is said to be a thumbnail: libheif shows what it is one of.
            if ref.kind == b"dimg" or (ref.kind == b"thmb" and ref.source == first):
                following[ref.source].update(ref.targets)
            is_variant = ref.kind == b"dimg" and kinds.get(ref.source) in _VARIANTS
            if is_variant or (ref.kind == b"auxl" and ref.source in alpha):
                for target in ref.targets:
                    following[target].add(ref.source)
        found, waiting = {first}, [first]
        while waiting:
            more = following[waiting.pop()] - found
            found |= more
            waiting += more
        return frozenset(found & kinds.keys())


def strip_items(kept: KeptBytes, items: Items, dropped: Dropped) -> None:
    """Write the `meta` box with the wanted items; `mdat` and `idat` are left to the caller."""
    meta, data = items.meta, items.data
    kept.keep(meta.kind_at - 4, meta.body)
    kept.write(meta.body, bytes(4))
    _note_items(dropped, items)
    found = sorted([*items.boxes.values(), *items.others], key=lambda each: each.body)
    for box in found:
        content = None if box in items.others else _strip_box(items, box, dropped)
        if content is None:
            note_box(dropped, data, box)
            kept.write(box.kind_at - 4, free_box(box.end - box.kind_at + 4))
        elif box.kind == b"idat":
            kept.keep(box.kind_at - 4, box.body)
        else:
            write_shortened(kept, box, content)
    # The file is cut off no further up, since boxes in this one say how long they are.
    kept.write(meta.end, b"")


def _strip_box(items: Items, box: Box, dropped: Dropped) -> bytes | None:
    """Return what stays of a box in `meta`; None of one that goes."""
    body = items.data[box.body : box.end]
    strip: dict[bytes, Callable[[], bytes | None]] = {
        b"hdlr": lambda: sized(b"hdlr", strip_handler(body, dropped)),
        b"pitm": lambda: sized(b"pitm", body[: 8 if body[0] else 6]),
        b"dinf": lambda: sized(b"dinf", OWN_FILE) if body == OWN_FILE else None,
        b"iinf": lambda: _strip_information(items, body, dropped),
        b"iloc": lambda: _strip_locations(items, body),
        b"iref": lambda: _strip_references(items, box),
        b"iprp": lambda: _strip_properties(items, box, dropped),
        b"grpl": lambda: _strip_groups(items, box),
        # Its head alone is written here.
        b"idat": lambda: b"",
    }
    return strip[box.kind]() if box.kind in strip else None


def strip_handler(body: bytes, dropped: Dropped) -> bytes:
    """Return a handler without its name, unless that says nothing."""
    head = (bytes(8) + body[8:12] + bytes(12))[: len(body)]
    return head + strip_name(body[_HANDLER_BYTES:], dropped)


def strip_name(name: bytes, dropped: Dropped) -> bytes:
    """Return a name that says nothing, and of every other as many zeros."""
    if name.rstrip(b"\0") in HARMLESS_NAMES:
        return name
    dropped.add(MetadataGroup.TEXT, "name of a part")
    return bytes(len(name))


def _strip_information(items: Items, body: bytes, dropped: Dropped) -> bytes:
    kept = [item for item in items.all if item.number in items.wanted]
    entries = b"".join(_strip_entry(items.data, item, dropped) for item in kept)
    width = 2 if body[0] == 0 else 4
    return sized(b"iinf", body[:4] + len(kept).to_bytes(width, "big") + entries)


def _strip_entry(data: bytes, item: Item, dropped: Dropped) -> bytes:
    name = strip_name(data[item.kind_at + 4 : item.end], dropped)
    return sized(b"infe", data[item.start : item.kind_at + 4] + name)


def _strip_locations(items: Items, body: bytes) -> bytes:
    wanted = [each for number, each in items.locations.items() if number in items.wanted]
    width = 2 if body[0] < 2 else 4
    # In this file, so that `dinf` need not stay.
    entries = [
        items.data[each.entry[0] : each.source_at]
        + bytes(2)
        + items.data[each.source_at + 2 : each.entry[1]]
        for each in wanted
    ]
    return sized(b"iloc", body[:6] + len(entries).to_bytes(width, "big") + b"".join(entries))


def _strip_references(items: Items, box: Box) -> bytes | None:
    """Return the references between wanted items; None where there is none."""
    data = items.data
    letter = "H" if data[box.body] == 0 else "I"
    for is_shorter in (True, False):
        entries = []
        for ref in items.references:
            left = _among(ref, items.wanted)
            if left is None:
                continue
            targets = left.targets
            if not is_shorter:  # the last takes the places of those that go
                targets += targets[-1:] * (len(ref.targets) - len(targets))
            layout = f">{letter}H{len(targets)}{letter}"
            packed = struct.pack(layout, left.source, len(targets), *targets)
            entries.append(sized(left.kind, packed))
        content = sized(b"iref", data[box.body : box.body + 4] + b"".join(entries))
        if not 0 < box.end - box.kind_at + 4 - len(content) < _MIN_BOX_BYTES:
            break
    return content if entries else None


def _among(ref: Reference, wanted: Iterable[int]) -> Reference | None:
    """Return a reference without what is not there any more; None where nothing is left."""
    targets = tuple(each for each in ref.targets if each in wanted)
    if ref.kind not in _RELATIONS or ref.source not in wanted or not targets:
        return None
    return Reference(ref.kind, ref.source, targets)


def _strip_properties(items: Items, box: Box, dropped: Dropped) -> bytes:
    """Return the properties that wanted items have, each at its number, and who has which."""
    data = items.data
    inner = list(boxes(data, box.body, box.end))
    _note_others(dropped, data, inner, {b"ipco", b"ipma"})
    container = require_box(data, box.body, box.end, b"ipco")
    used = {each.body for n in items.wanted for each in items.properties.get(n, [])}
    written, gone = [], set()
    for number, each in enumerate(property_boxes(data, items.meta), 1):
        body = strip_property(data, each, dropped) if each.body in used else None
        if body is not None:
            written.append(written_property(data, each, body))
            continue
        gone.add(number)
        # What says how pixels of a picture that goes are coded is no more than that picture.
        if each.kind not in PROPERTIES and any(data[each.body : each.end]):
            note_box(dropped, data, each)
        written.append(free_box(each.end - each.kind_at + 4))
    properties = sized(b"ipco", filled(written, container.end - container.body))
    listed = [each for each in inner if each.kind == b"ipma"]
    for is_shorter in (True, False):
        lists = [
            _strip_associations(data, each, items.wanted, gone, is_shorter=is_shorter)
            for each in listed
        ]
        content = sized(b"iprp", properties + b"".join(sized(b"ipma", each) for each in lists))
        if not 0 < box.end - box.kind_at + 4 - len(content) < _MIN_BOX_BYTES:
            break
    return content


def _strip_associations(
    data: bytes, box: Box, wanted: Iterable[int], gone: set[int], *, is_shorter: bool
) -> bytes:
    """Return who has which properties; a number of one that is gone becomes that of none.

    Items that are gone go, or have none where their place would be too small for an empty box.
    """
    reader = Reader(data, box.body)
    head = reader.number(4)
    number_width, width = (4 if head >> 24 else 2), (2 if head & 1 else 1)
    essential = 1 << (8 * width - 1)
    entries = []
    for _ in range(reader.number(4)):
        item = reader.number(number_width)
        numbers = [reader.number(width) for _ in range(reader.number(1))]
        if item not in wanted:
            numbers = [0 for _ in numbers]
        if item in wanted or not is_shorter:
            numbers = [0 if each & ~essential in gone else each for each in numbers]
            listed = b"".join(each.to_bytes(width, "big") for each in numbers)
            entries.append(item.to_bytes(number_width, "big") + bytes([len(numbers)]) + listed)
    require(reader.position <= box.end, "more properties than fit")
    return struct.pack(">II", head, len(entries)) + b"".join(entries)


def _strip_groups(items: Items, box: Box) -> bytes | None:
    """Return the groups of variants of the picture (`altr`); None where there is none."""
    found = []
    for each in boxes(items.data, box.body, box.end):
        reader = Reader(items.data, each.body)
        head, group = reader.number(4), reader.number(4)
        members = [
            reader.number(4) for _ in range(min(reader.number(4), (each.end - each.body) // 4))
        ]
        left = [member for member in members if member in items.wanted]
        if each.kind == b"altr" and len(left) > 1:
            found.append(
                sized(b"altr", struct.pack(f">III{len(left)}I", head, group, len(left), *left))
            )
    return sized(b"grpl", b"".join(found)) if found else None


def _note_items(dropped: Dropped, items: Items) -> None:
    """Note the items that go, by what they are to the picture."""
    gone = [each for each in items.all if each.number not in items.wanted]
    pictures = [each for each in gone if each.kind in PICTURES]
    roles = {ref.source: ref.kind for ref in items.references}
    parts = {n for ref in items.references if ref.kind == b"dimg" for n in ref.targets}
    for item in pictures:
        if item.number not in parts:
            dropped.add(*_PICTURES_BY_ROLE.get(roles.get(item.number, b""), _FURTHER_PICTURE))
    blocks = [each for each in gone if each.kind not in PICTURES]
    for item in blocks[:_MAX_BLOCKS]:
        _note_block(dropped, item, items.content(item.number))


def _note_block(dropped: Dropped, item: Item, content: bytes) -> None:
    if item.kind == b"Exif":
        # What comes first is the length of what precedes the header.
        dropped.add_exif(content[4 + int.from_bytes(content[:4], "big") :])
    elif item.kind == b"mime" and is_xmp(content):
        dropped.add_xmp(content)
    else:
        dropped.add(MetadataGroup.OTHER, f"{item.kind.decode('latin-1')} item")


_NAMED_BOXES = {
    b"udes": (MetadataGroup.TEXT, "description"),
    b"crtt": (MetadataGroup.TEXT, "time of creation"),
    b"mdft": (MetadataGroup.TEXT, "time of the last change"),
    b"cprt": (MetadataGroup.TEXT, "copyright"),
    b"udta": (MetadataGroup.OTHER, "user data of a film"),
}
_FILMS = frozenset({b"mpvd", b"moov", b"moof"})
_EMPTY_BOXES = frozenset({b"free", b"skip"})
# Beside these a film has no more boxes that are worth a name.
_UNNAMED_BOXES = frozenset({b"mfra", b"sidx", b"styp", b"ftyp", b"mdat", b"iref"})


def note_box(dropped: Dropped, data: bytes, box: Box) -> None:
    """Note a box that goes."""
    content = data[box.body : box.end]
    if box.kind in _FILMS:
        dropped.add(MetadataGroup.VIDEO, "motion photo")
    elif is_xmp(content):
        dropped.add_xmp(content)
    elif box.kind in _EMPTY_BOXES:
        if any(content):
            dropped.add(MetadataGroup.OTHER, UNUSED_BYTES)
    elif box.kind not in _UNNAMED_BOXES:
        name = f"{box.kind.decode('latin-1')} box"
        dropped.add(*_NAMED_BOXES.get(box.kind, (MetadataGroup.OTHER, name)))


def _note_others(dropped: Dropped, data: bytes, found: list[Box], known: set[bytes]) -> None:
    for box in found:
        if box.kind not in known:
            note_box(dropped, data, box)


def is_xmp(content: bytes) -> bool:
    """Tell whether a packet of XMP is in it, in whatever encoding."""
    text = content[:_MAX_BLOCK_BYTES].replace(b"\0", b"")
    return b"x:xmpmeta" in text or b"rdf:RDF" in text
