"""The boxes of AVIF and HEIC (ISO base media files): metadata is overwritten where it lies.

No offset changes then. What is known to make the picture stays, its orientation (`irot`, `imir`)
included; everything else loses its bytes and its type.
"""

from images.formats.errors import require
from images.formats.isobmff import Box, boxes, find_box
from images.formats.isobmff_items import Item, read_extents, read_items
from images.formats.isobmff_relations import (
    Reference,
    primary_item,
    property_boxes,
    read_properties,
    read_references,
)
from images.formats.metadata_groups import MetadataGroup
from images.metadata.dropped import UNUSED_BYTES, Dropped

# Coded pictures and what combines them; anything else (Exif, XMP as mime, uri) is metadata.
_PICTURES = frozenset({b"av01", b"hvc1", b"grid", b"iden", b"iovl", b"tmap"})
_TOP = frozenset({b"ftyp", b"styp", b"meta", b"mdat", b"moov", b"sidx", b"moof", b"mfra"})
_META = frozenset({
    b"hdlr", b"pitm", b"iinf", b"iloc", b"iref", b"iprp", b"idat", b"dinf", b"grpl",
})  # fmt: skip
# How pixels are coded, coloured and turned; names, descriptions and times (udes, crtt) go.
_PROPERTIES = frozenset({
    b"av1C", b"hvcC", b"lhvC", b"ispe", b"pixi", b"pasp", b"colr", b"auxC", b"clap", b"irot",
    b"imir", b"rloc", b"lsel", b"a1op", b"a1lx", b"clli", b"mdcv", b"cclv", b"amve", b"tols",
    b"oinf",
})  # fmt: skip
_NESTED = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf"})
_METADATA_BOXES = frozenset({b"udta", b"meta", b"uuid", b"free", b"skip", b"cprt"})
_ALPHA = (b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")
_FREE = b"free"
# A name follows version, flags, two types and three reserved numbers.
_HANDLER_BYTES = 24
# Of more, and of what is longer, nothing is named.
_MAX_BLOCKS, _MAX_BLOCK_BYTES = 20, 1024 * 1024
_FURTHER_PICTURE = (MetadataGroup.PICTURE, "further picture")
_PICTURES_BY_ROLE = {
    b"thmb": (MetadataGroup.PREVIEW, "thumbnail"),
    b"auxl": (MetadataGroup.PICTURE, "auxiliary picture"),
}
_NAMED_BOXES = {
    b"udes": (MetadataGroup.TEXT, "description"),
    b"crtt": (MetadataGroup.TEXT, "time of creation"),
    b"mdft": (MetadataGroup.TEXT, "time of the last change"),
    b"cprt": (MetadataGroup.TEXT, "copyright"),
    b"udta": (MetadataGroup.OTHER, "user data of a film"),
}
_FILMS = frozenset({b"mpvd", b"moov", b"moof"})
# Beside these a film has no more boxes that are worth a name.
_UNNAMED_BOXES = frozenset({b"free", b"skip", b"mfra", b"sidx"})
# Names that encoders give by themselves, which say nothing of a person or a place.
_HARMLESS_NAMES = frozenset({b"", b"Color", b"Alpha", b"GMap", b"libavif", b"PictureHandler"})


def strip_avif(data: bytes, dropped: Dropped) -> bytes:
    """Return the stripped file; raises BrokenStructure, IndexError or struct.error."""
    return _strip(data, _TOP, dropped)


def strip_heic(data: bytes, dropped: Dropped) -> bytes:
    """Return the stripped file, without a film that lies beside the picture (`moov`)."""
    return _strip(data, _TOP - {b"moov", b"moof", b"mfra", b"sidx"}, dropped)


def _strip(data: bytes, kept_boxes: frozenset[bytes], dropped: Dropped) -> bytes:
    changed = bytearray(data)
    top = list(boxes(data, 0, len(data)))
    require(bool(top) and top[0].kind == b"ftyp", "no file type box")
    require(sum(box.kind == b"meta" for box in top) <= 1, "two item boxes")
    film = any(box.kind in {b"moov", b"moof"} & kept_boxes for box in top)
    for box in top:
        if box.kind == b"meta":
            media_boxes = None if film else [b for b in top if b.kind == b"mdat"]
            _strip_items(changed, box, media_boxes, dropped)
        elif box.kind == b"moov" and film:
            _empty_nested(changed, box, dropped)
        elif box.kind not in kept_boxes:
            _note_box(dropped, changed, box)
            _empty_box(changed, box)
    return bytes(changed)


def _strip_items(
    data: bytearray, meta: Box, media_boxes: list[Box] | None, dropped: Dropped
) -> None:
    """Empty what is no part of the picture; in `media_boxes` also every byte that no item names."""
    inner = list(boxes(data, meta.body + 4, meta.end))
    kinds = [box.kind for box in inner if box.kind in _META]
    require(len(kinds) == len(set(kinds)), "two boxes of a kind")
    where, wanted = read_extents(data, meta), _picture_items(data, meta)
    require(media_boxes is None or bool(wanted & where.keys()), "no picture")
    items = list(read_items(data, meta))
    _note_items(dropped, data, meta, [item for item in items if item.number not in wanted], where)
    for item in items:
        _strip_entry(data, item, dropped, is_kept=item.number in wanted)
    if media_boxes is None:
        _blank(data, [span for number in where if number not in wanted for span in where[number]])
    item_data = [box for box in inner if media_boxes and box.kind == b"idat"]
    for store in [*(media_boxes or []), *item_data]:
        _blank_outside(data, store, [span for number in wanted for span in where.get(number, [])])
    _strip_properties(data, meta, dropped)
    for box in inner:
        if box.kind == b"hdlr":
            _blank_name(data, min(box.body + _HANDLER_BYTES, box.end), box.end, dropped)
        elif box.kind not in _META:
            _note_box(dropped, data, box)
            _empty_box(data, box)


def _strip_properties(data: bytearray, meta: Box, dropped: Dropped) -> None:
    holder = find_box(data, meta.body + 4, meta.end, b"iprp")
    for box in boxes(data, holder.body, holder.end) if holder else ():
        if box.kind not in {b"ipco", b"ipma"}:
            _note_box(dropped, data, box)
            _empty_box(data, box)
    for box in property_boxes(data, meta):
        if box.kind not in _PROPERTIES:
            _note_box(dropped, data, box)
            _empty_box(data, box)


def _strip_entry(data: bytearray, item: Item, dropped: Dropped, *, is_kept: bool) -> None:
    """Blank an item's name, and the type of one that goes."""
    if not is_kept:
        data[item.kind_at : item.kind_at + 4] = _FREE
    _blank_name(data, item.kind_at + 4, item.end, dropped if is_kept else None)


def _blank_name(data: bytearray, start: int, end: int, dropped: Dropped | None) -> None:
    """Blank a name that may say something; of items that go altogether nobody is told it."""
    if bytes(data[start:end]).rstrip(b"\0") not in _HARMLESS_NAMES:
        if dropped is not None:
            dropped.add(MetadataGroup.TEXT, "name of a part")
        data[start:end] = bytes(end - start)


def _picture_items(data: bytearray, meta: Box) -> set[int]:
    """Return the items of the primary picture: its parts, its transparency, its tone map."""
    kinds = {item.number: item.kind for item in read_items(data, meta)}
    pictures = {number for number, kind in kinds.items() if kind in _PICTURES}
    if not pictures:
        return set()
    related, held = list(read_references(data, meta)), read_properties(data, meta)
    alpha = {n for n, boxes_ in held.items() if any(_is_alpha(data, each) for each in boxes_)}
    found = {primary_item(data, meta)}
    require(found <= pictures, "a primary picture of another kind")
    while more := {each for ref in related for each in _items_of(ref, found, kinds, alpha)} - found:
        found |= more
    return found & pictures


def _items_of(
    ref: Reference, found: set[int], kinds: dict[int, bytes], alpha: set[int]
) -> tuple[int, ...]:
    """Return the items that a reference adds to those that are found already."""
    if ref.kind == b"dimg" and ref.source in found:
        return ref.targets
    if ref.kind == b"dimg" and kinds.get(ref.source) == b"tmap" and found & set(ref.targets):
        return (ref.source,)
    if ref.kind == b"auxl" and ref.source in alpha and found & set(ref.targets):
        return (ref.source,)
    return ()


def _is_alpha(data: bytearray, box: Box) -> bool:
    return box.kind == b"auxC" and bytes(data[box.body + 4 : box.end]).startswith(_ALPHA)


def _blank(data: bytearray, spans: list[tuple[int, int]]) -> None:
    for start, end in spans:
        data[start:end] = bytes(end - start)


def _blank_outside(data: bytearray, store: Box, kept: list[tuple[int, int]]) -> None:
    """Blank a box's bytes that lie in none of the spans."""
    position = store.body
    for start, end in sorted(kept):
        if position < start:
            stop = min(start, store.end)
            data[position:stop] = bytes(max(0, stop - position))
        position = max(position, end)
    if position < store.end:
        data[position : store.end] = bytes(store.end - position)


def _empty_nested(data: bytearray, outer: Box, dropped: Dropped) -> None:
    for box in boxes(data, outer.body, outer.end):
        if box.kind in _METADATA_BOXES:
            _note_box(dropped, data, box)
            _empty_box(data, box)
        elif box.kind in _NESTED:
            _empty_nested(data, box, dropped)


def _note_items(
    dropped: Dropped,
    data: bytearray,
    meta: Box,
    items: list[Item],
    where: dict[int, list[tuple[int, int]]],
) -> None:
    """Note the items that go, by what they are to the picture."""
    pictures = [each for each in items if each.kind in _PICTURES]
    related = list(read_references(data, meta)) if pictures else []
    roles = {ref.source: ref.kind for ref in related}
    parts = {number for ref in related if ref.kind == b"dimg" for number in ref.targets}
    for item in pictures:
        if item.number not in parts:
            dropped.add(*_PICTURES_BY_ROLE.get(roles.get(item.number, b""), _FURTHER_PICTURE))
    blocks = [each for each in items if each.kind not in _PICTURES | {_FREE}]
    for item in blocks[:_MAX_BLOCKS]:
        _note_block(dropped, item, _content(data, where.get(item.number, [])))


def _content(data: bytearray, spans: list[tuple[int, int]]) -> bytes:
    """Return the beginning of an item's content: items may overlap, and there may be many."""
    return b"".join(data[start:end] for start, end in spans[:_MAX_BLOCKS])[:_MAX_BLOCK_BYTES]


def _note_block(dropped: Dropped, item: Item, content: bytes) -> None:
    if item.kind == b"Exif":
        # What comes first is the length of what precedes the header.
        dropped.add_exif(content[4 + int.from_bytes(content[:4], "big") :])
    elif item.kind == b"mime" and _is_xmp(content):
        dropped.add_xmp(content)
    else:
        dropped.add(MetadataGroup.OTHER, f"{item.kind.decode('latin-1')} item")


def _is_xmp(content: bytes) -> bool:
    text = content.replace(b"\0", b"")
    return b"x:xmpmeta" in text or b"rdf:RDF" in text


def _note_box(dropped: Dropped, data: bytearray, box: Box) -> None:
    content = bytes(data[box.body : box.end])
    if box.kind in _FILMS:
        dropped.add(MetadataGroup.VIDEO, "motion photo")
    elif _is_xmp(content):
        dropped.add_xmp(content)
    elif box.kind not in _UNNAMED_BOXES:
        dropped.add(*_NAMED_BOXES.get(box.kind, (MetadataGroup.OTHER, _name_of(box))))
    elif content.strip(b"\0"):
        dropped.add(MetadataGroup.OTHER, UNUSED_BYTES)


def _name_of(box: Box) -> str:
    return f"{box.kind.decode('latin-1')} box"


def _empty_box(data: bytearray, box: Box) -> None:
    data[box.kind_at : box.kind_at + 4] = _FREE
    data[box.body : box.end] = bytes(box.end - box.body)
