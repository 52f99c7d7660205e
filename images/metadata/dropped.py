"""Names what a stripped copy leaves out, told by the code that leaves it out.

What is noted while a file is stripped is only named, from the bytes that were dropped, when
somebody asks. Sandbox only.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from PIL import ExifTags

from images.formats.exif import ORIENTATION
from images.formats.metadata_groups import (
    MAX_ITEMS,
    MAX_NAME_LENGTH,
    DroppedItem,
    MetadataGroup,
)

UNUSED_BYTES = "unused bytes"
# Notes beyond these cost memory and say nothing new.
_MAX_NOTES = 10_000
_UNNAMED = re.compile(r"[^A-Za-z0-9 .:_/()-]+")
_EXIF_IFD, _GPS_IFD, _INTEROP_IFD = 0x8769, 0x8825, 0xA005
_POINTERS = frozenset({_EXIF_IFD, _GPS_IFD, _INTEROP_IFD})
_XMP_FIELD, _IPTC_FIELD, _PHOTOSHOP_FIELD = 700, 33723, 34377
# An element's or an attribute's name; the namespaces that only hold it together say nothing.
_XMP_PROPERTY = re.compile(rb"[<\s]([A-Za-z][\w-]*:[A-Za-z][\w.-]*)(?=[\s=>/])")
_XMP_FRAME = ("rdf:", "x:", "xmlns:", "xml:")
_MAX_TEXT_BYTES = 1024 * 1024
# IPTC-IIM 4.2, record 2, as the IPTC names them.
_IPTC_NAMES = {
    5: "Object Name", 15: "Category", 25: "Keywords", 40: "Special Instructions",
    55: "Date Created", 60: "Time Created", 80: "By-line", 85: "By-line Title", 90: "City",
    92: "Sublocation", 95: "Province/State", 100: "Country Code", 101: "Country", 103: "Reference",
    105: "Headline", 110: "Credit", 115: "Source", 116: "Copyright Notice", 118: "Contact",
    120: "Caption/Abstract", 122: "Writer/Editor",
}  # fmt: skip
_IPTC_MARKER = 0x1C
_RESOURCE_IPTC, _RESOURCE_XMP, _RESOURCES_EXIF = 0x0404, 0x0424, frozenset({0x0422, 0x0423})
_RESOURCES_PREVIEW = frozenset({0x0409, 0x040C})
Item = tuple[MetadataGroup, str]


class Dropped:
    """What was left out of a file, in the order in which it was found."""

    def __init__(self) -> None:
        self._notes: list[Callable[[], Iterable[Item]]] = []

    def add(self, group: MetadataGroup, name: str) -> None:
        """Note a piece of metadata by its name; characters that no name has are left out."""
        self._note(lambda: [(group, name)])

    def add_exif(self, block: bytes) -> None:
        """Note a block of EXIF, with or without the name before its header."""
        self._note(lambda: _exif_items(block))

    def add_xmp(self, packet: bytes) -> None:
        self._note(lambda: _xmp_items(packet))

    def add_raw_profile(self, name: str, text: bytes, is_compressed: bool) -> None:  # noqa: FBT001 (told by the kind of chunk)
        """Note a block in hexadecimal digits, as ImageMagick writes it into a PNG."""
        self._note(lambda: _raw_profile_items(name, text, is_compressed))

    def add_photoshop(self, resources: bytes) -> None:
        """Note Photoshop's image resources, which may hold EXIF, XMP and IPTC."""
        self._note(lambda: _photoshop_items(resources))

    def add_tiff_fields(
        self, data: bytes, order: str, fields: Mapping[int, tuple[int, int]]
    ) -> None:
        """Note fields of a page: for each tag where its values begin and end in the file."""
        self._note(lambda: _tiff_items(data, order, fields))

    def add_trailer(self, trailer: bytes) -> None:
        """Note what follows the end of a picture."""
        if trailer:
            self._note(lambda: _trailer_items(trailer))

    def _note(self, note: Callable[[], Iterable[Item]]) -> None:
        if len(self._notes) < _MAX_NOTES:
            self._notes.append(note)

    def clear(self) -> None:
        self._notes.clear()

    def __bool__(self) -> bool:
        return bool(self._notes)

    def items(self) -> list[DroppedItem]:
        """Return all of it, each once."""
        found: dict[DroppedItem, None] = {}
        for group, name in chain.from_iterable(note() for note in self._notes):
            text = _UNNAMED.sub("", name)[:MAX_NAME_LENGTH].strip()
            found[DroppedItem(group, text or "without a name")] = None
            if len(found) == MAX_ITEMS:
                break
        if self._notes and not found:  # such as EXIF that says no more than the orientation
            found[DroppedItem(MetadataGroup.OTHER, UNUSED_BYTES)] = None
        return list(found)


def _exif_items(block: bytes) -> Iterator[Item]:
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        yield MetadataGroup.EXIF, "unreadable block"
        return
    start = _number(block, order, 4)
    main, following = _read_tags(block, order, start)
    yield from _named_fields(main, MetadataGroup.EXIF)
    yield from _items_of_pointers(block, order, main)
    if _read_tags(block, order, following)[0]:
        yield MetadataGroup.PREVIEW, "EXIF thumbnail"


def _items_of_pointers(block: bytes, order: str, fields: Mapping[int, int]) -> Iterator[Item]:
    """Yield the fields of the directories that some fields point to."""
    camera, _ = _read_tags(block, order, fields.get(_EXIF_IFD, 0))
    yield from _named_fields(camera, MetadataGroup.EXIF)
    place, _ = _read_tags(block, order, fields.get(_GPS_IFD, camera.get(_GPS_IFD, 0)))
    for tag in place:
        yield MetadataGroup.GPS, ExifTags.GPSTAGS.get(tag, f"tag {tag}")
    pointer = camera.get(_INTEROP_IFD, fields.get(_INTEROP_IFD, 0))
    for tag in _read_tags(block, order, pointer)[0]:
        yield MetadataGroup.EXIF, f"Interoperability {tag}"


def _named_fields(fields: Mapping[int, int], group: MetadataGroup) -> Iterator[Item]:
    for tag in fields:
        if tag != ORIENTATION and tag not in _POINTERS:
            yield group, ExifTags.TAGS.get(tag, f"tag {tag}")


def _read_tags(block: bytes, order: str, at: int) -> tuple[dict[int, int], int]:
    """Return a directory's tags, each with the number in its entry, and where the next one begins.

    As much as is there: cameras write blocks that end early. At 0 there is none.
    """
    if not at:
        return {}, 0
    found: dict[int, int] = {}
    try:
        (count,) = struct.unpack_from(f"{order}H", block, at)
        for n in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHII", block, at + 2 + 12 * n)
            found[tag] = value
    except struct.error:
        return found, 0
    return found, _number(block, order, at + 2 + 12 * count)


def _number(block: bytes, order: str, at: int) -> int:
    try:
        return int(struct.unpack_from(f"{order}I", block, at)[0])
    except struct.error:
        return 0


def _xmp_items(packet: bytes) -> Iterator[Item]:
    if b"\0" in packet[:64]:  # UTF-16 or UTF-32
        packet = packet.replace(b"\0", b"")
    names = [each.decode() for each in _XMP_PROPERTY.findall(packet[:_MAX_TEXT_BYTES])]
    properties = [name for name in names if not name.startswith(_XMP_FRAME)]
    for name in properties or ["packet"]:
        yield MetadataGroup.XMP, name


def _iptc_items(block: bytes) -> Iterator[Item]:
    at = 0
    while at + 5 <= len(block) and block[at] == _IPTC_MARKER:
        record, number, length = struct.unpack_from(">BBH", block, at + 1)
        known = _IPTC_NAMES.get(number) if record == 2 else None
        yield MetadataGroup.IPTC, known or f"record {record}:{number}"
        # A length of a length: the values are longer than any that has a name here.
        at = len(block) if length & 0x8000 else at + 5 + length
    if not at:
        yield MetadataGroup.IPTC, "unreadable block"


def _raw_profile_items(name: str, text: bytes, is_compressed: bool) -> Iterator[Item]:  # noqa: FBT001
    try:
        if is_compressed:
            text = zlib.decompressobj().decompress(text[1:], _MAX_TEXT_BYTES)
        block = bytes.fromhex(b"".join(text.split()[2:]).decode())
    except (ValueError, zlib.error):
        block = b""
    readers: dict[str, Callable[[bytes], Iterator[Item]]] = {
        "exif": _exif_items, "APP1": _exif_items, "xmp": _xmp_items, "8bim": _photoshop_items,
        "iptc": _iptc_or_photoshop_items,
    }  # fmt: skip
    if block and name in readers:
        yield from readers[name](block)
    else:
        yield MetadataGroup.TEXT, f"Raw profile type {name}"


def _iptc_or_photoshop_items(block: bytes) -> Iterator[Item]:
    return (_photoshop_items if block.startswith(b"8BIM") else _iptc_items)(block)


def _photoshop_items(resources: bytes) -> Iterator[Item]:
    at = 0
    while resources[at : at + 4] == b"8BIM" and at + 8 <= len(resources):
        number = int.from_bytes(resources[at + 4 : at + 6], "big")
        body = at + 6 + (resources[at + 6] + 2) // 2 * 2
        length = int.from_bytes(resources[body : body + 4], "big")
        yield from _resource_items(number, resources[body + 4 : body + 4 + length])
        at = body + 4 + (length + 1) // 2 * 2
    if not at:
        yield MetadataGroup.PHOTOSHOP, "unreadable block"


def _resource_items(number: int, content: bytes) -> Iterator[Item]:
    if number == _RESOURCE_IPTC:
        yield from _iptc_items(content)
    elif number == _RESOURCE_XMP:
        yield from _xmp_items(content)
    elif number in _RESOURCES_EXIF:
        yield from _exif_items(content)
    elif number in _RESOURCES_PREVIEW:
        yield MetadataGroup.PREVIEW, "Photoshop thumbnail"
    else:
        yield MetadataGroup.PHOTOSHOP, f"resource {number}"


def _tiff_items(data: bytes, order: str, fields: Mapping[int, tuple[int, int]]) -> Iterator[Item]:
    blocks: dict[int, Callable[[bytes], Iterator[Item]]] = {
        _XMP_FIELD: _xmp_items, _IPTC_FIELD: _iptc_items, _PHOTOSHOP_FIELD: _photoshop_items,
    }  # fmt: skip
    for tag, (start, end) in fields.items():
        if tag in blocks:
            yield from blocks[tag](data[start:end])
        elif tag not in _POINTERS:
            yield MetadataGroup.TIFF, ExifTags.TAGS.get(tag, f"tag {tag}")
    pointers = {tag: _number(data, order, fields[tag][0]) for tag in _POINTERS & fields.keys()}
    yield from _items_of_pointers(data, order, pointers)


def _trailer_items(trailer: bytes) -> Iterator[Item]:
    has_picture, has_film = b"\xff\xd8\xff" in trailer, b"ftyp" in trailer
    if has_picture:
        yield MetadataGroup.PICTURE, "further picture behind the first"
    if has_film:
        yield MetadataGroup.VIDEO, "motion photo"
    if not has_picture and not has_film:
        yield MetadataGroup.OTHER, "bytes after the end"
