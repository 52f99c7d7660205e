"""AVIF and HEIC, made box by box: which items and boxes stay, which go, what they are called."""

import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pytest

from images.formats.errors import BrokenStructure
from images.formats.isobmff import boxes, require_box
from images.formats.isobmff_items import read_items
from images.formats.isobmff_relations import read_properties, read_references
from images.metadata.dropped import Dropped
from images.metadata.heif_boxes import strip_avif, strip_heic

ALPHA = b"\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"
DEPTH = b"\0\0\0\0urn:mpeg:hevc:2015:auxid:2\0"
# What a test needs of properties: one that stays, two of an auxiliary picture, one that goes.
ISPE, AUX_ALPHA, AUX_DEPTH, UDES = 1, 2, 3, 4


def box(kind: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def full(kind: bytes, *bodies: bytes, version: int = 0) -> bytes:
    return box(kind, bytes([version, 0, 0, 0]), *bodies)


PROPERTIES = (
    full(b"ispe", b"the size"),
    box(b"auxC", ALPHA),
    box(b"auxC", DEPTH),
    full(b"udes", b"description of a person"),
)


@dataclass(frozen=True)
class Item:
    kind: bytes
    name: bytes = b""
    properties: Sequence[int] = (ISPE,)


def words(number: int) -> bytes:
    return b"<bytes of item %03d>" % number


def content(number: int, kind: bytes) -> bytes:
    """Return what an item's kind has for a picture: a slice, a frame, or whatever it is."""
    if kind == b"hvc1":
        return struct.pack(">I", 2 + len(words(number))) + b"\x26\x01" + words(number)
    if kind == b"av01":
        return b"\x32" + bytes([len(words(number))]) + words(number)
    return words(number)


def picture(
    items: Mapping[int, Item],
    references: Sequence[tuple[bytes, int, Sequence[int]]] = (),
    *,
    primary: int = 1,
    in_meta: bytes = b"",
    in_properties: bytes = b"",
    before: bytes = b"",
    after: bytes = b"",
    slack: bytes = b"",
    brand: bytes = b"heic",
    nowhere: Collection[int] = (),
    pieces: int = 1,
) -> bytes:
    """Return a file with `slack` before, between and after the pieces of the items' contents.

    Of those that are `nowhere` no place is told.
    """
    head = full(
        b"iinf",
        struct.pack(">H", len(items)),
        *(
            full(b"infe", struct.pack(">HH", n, 0), each.kind, each.name + b"\0", version=2)
            for n, each in items.items()
        ),
    )
    head += full(b"pitm", struct.pack(">H", primary))
    head += box(
        b"iprp",
        in_properties,
        box(b"ipco", *PROPERTIES),
        full(
            b"ipma",
            struct.pack(">I", len(items)),
            *(
                struct.pack(">HB", n, len(each.properties)) + bytes(each.properties)
                for n, each in items.items()
            ),
        ),
    )
    related = [
        box(kind, struct.pack(f">HH{len(targets)}H", source, len(targets), *targets))
        for kind, source, targets in references
    ]
    head += full(b"iref", *related) if related else b""
    head = full(b"hdlr", bytes(4), b"pict", bytes(12), b"\0") + head + in_meta
    ftyp = box(b"ftyp", brand, bytes(4), b"mif1", brand) + before
    located = {number: item for number, item in items.items() if number not in nowhere}
    location_bytes = 8 + 4 + 2 + 2 + len(located) * (2 + 2 + 2 + pieces * (4 + 4))
    media = len(ftyp) + 8 + 4 + len(head) + location_bytes + 8
    places, mdat = b"", slack
    for number, item in located.items():
        mine = content(number, item.kind)
        places += struct.pack(">HHH", number, 0, pieces)
        size = -(-len(mine) // pieces)
        for start in range(0, len(mine), size):
            piece = mine[start : start + size]
            places += struct.pack(">II", media + len(mdat), len(piece))
            mdat += piece + slack
    location = full(b"iloc", b"\x44\0", struct.pack(">H", len(located)), places)
    return ftyp + full(b"meta", head, location) + box(b"mdat", mdat) + after


def strip(data: bytes, *, avif: bool = False) -> tuple[bytes, list[tuple[str, str]]]:
    """Return the copy and what it lacks; what stays lies where it lay."""
    dropped = Dropped()
    stripped = (strip_avif if avif else strip_heic)(data, dropped)
    assert len(stripped) <= len(data)
    for number in kept(stripped):
        assert stripped.index(words(number)) == data.index(words(number))
    # Boxes follow each other to the end, and nothing is left of those that went.
    found = list(boxes(stripped, 0, len(stripped)))
    assert found[-1].end == len(stripped)
    assert not any(any(stripped[each.body : each.end]) for each in found if each.kind == b"free")
    return stripped, [(each.group.value, each.name) for each in dropped.items()]


def kept(stripped: bytes) -> list[int]:
    """Return the items whose content is there."""
    return [number for number in range(1, 10) if words(number) in stripped]


def kinds_at_top(data: bytes) -> list[bytes]:
    return [each.kind for each in boxes(data, 0, len(data))]


def items_of(data: bytes) -> list[tuple[int, bytes]]:
    meta = require_box(data, 0, len(data), b"meta")
    return [(each.number, each.kind) for each in read_items(data, meta)]


def test_a_picture_that_is_nothing_else_stays_byte_for_byte() -> None:
    data = picture({1: Item(b"hvc1", b"Color", [ISPE, AUX_ALPHA, AUX_DEPTH])})
    # The description is a property that nothing needs; without it nothing changes.
    plain = data.replace(PROPERTIES[3], box(b"free", bytes(len(PROPERTIES[3]) - 8)))
    assert strip(plain) == (plain, [])


# Kinds of the items, what they are to each other, and which of them make the primary picture.
PARTS = [
    ({1: b"hvc1", 2: b"hvc1"}, [], [1]),
    # A grid of tiles; tiles of another picture; a grid that holds a grid.
    ({1: b"grid", 2: b"hvc1", 3: b"hvc1"}, [(b"dimg", 1, [2, 3])], [1, 2, 3]),
    ({1: b"hvc1", 2: b"grid", 3: b"hvc1"}, [(b"dimg", 2, [3])], [1]),
    ({1: b"iovl", 2: b"grid", 3: b"hvc1"}, [(b"dimg", 2, [3]), (b"dimg", 1, [2])], [1, 2, 3]),
    # A tone map is made of the picture and a gain map; anything else made of it is a copy.
    ({1: b"hvc1", 2: b"tmap", 3: b"hvc1"}, [(b"dimg", 2, [1, 3])], [1, 2, 3]),
    ({1: b"hvc1", 2: b"iden"}, [(b"dimg", 2, [1])], [1]),
    ({1: b"hvc1", 2: b"tmap", 3: b"hvc1"}, [(b"dimg", 2, [3])], [1]),
    # A thumbnail, and metadata that describes.
    ({1: b"hvc1", 2: b"hvc1"}, [(b"thmb", 2, [1])], [1]),
    ({1: b"hvc1", 2: b"Exif", 3: b"mime"}, [(b"cdsc", 2, [1]), (b"cdsc", 3, [1])], [1]),
    ({1: b"grid", 2: b"hvc1", 3: b"Exif"}, [(b"dimg", 1, [2, 3])], [1, 2]),
    # References that end in nothing, or in a circle.
    ({1: b"hvc1", 2: b"hvc1"}, [(b"dimg", 1, [7]), (b"dimg", 1, [1])], [1]),
]


@pytest.mark.parametrize(("kinds", "references", "wanted"), PARTS)
def test_the_parts_of_the_primary_picture_stay_and_others_go(
    kinds: dict[int, bytes], references: list[tuple[bytes, int, list[int]]], wanted: list[int]
) -> None:
    stripped, _ = strip(picture({n: Item(kind) for n, kind in kinds.items()}, references))
    assert kept(stripped) == wanted
    assert items_of(stripped) == [(number, kinds[number]) for number in wanted]
    meta = require_box(stripped, 0, len(stripped), b"meta")
    assert set(read_properties(stripped, meta)) == set(wanted)
    for ref in read_references(stripped, meta):
        assert {ref.source, *ref.targets} <= set(wanted)
        assert (ref.kind, ref.source) in [each[:2] for each in references]
    # Nothing tells what lay where.
    for number in kinds.keys() - set(wanted):
        assert struct.pack(">HH", number, 0) not in stripped[meta.body : meta.end]


@pytest.mark.parametrize(
    ("prop", "targets", "stays"),
    [(AUX_ALPHA, [1], True), (AUX_DEPTH, [1], False), (AUX_ALPHA, [3], False), (ISPE, [1], False)],
)
def test_transparency_stays_and_other_auxiliary_pictures_go(
    prop: int, targets: list[int], stays: bool
) -> None:
    items = {1: Item(b"hvc1"), 2: Item(b"hvc1", properties=[ISPE, prop]), 3: Item(b"hvc1")}
    stripped, named = strip(picture(items, [(b"auxl", 2, targets)]))
    assert kept(stripped) == ([1, 2] if stays else [1])
    assert (("Picture", "auxiliary picture") in named) is not stays


def test_what_goes_is_named_by_what_it_is_to_the_picture() -> None:
    kinds = [b"grid", b"hvc1", b"hvc1", b"grid", b"hvc1", b"urim", b"mime"]
    items = {number: Item(kind) for number, kind in enumerate(kinds, 1)}
    references = [(b"dimg", 1, [2]), (b"thmb", 3, [1]), (b"dimg", 4, [5])]
    _, named = strip(picture(items, references))
    # A tile of a picture that goes is no picture of its own.
    assert named == [
        ("Preview", "thumbnail"), ("Picture", "further picture"), ("Other", "urim item"),
        ("Other", "mime item"), ("Text", "description"),
    ]  # fmt: skip


def test_names_of_what_stays_go_unless_encoders_give_them() -> None:
    items = {1: Item(b"grid", b"Color"), 2: Item(b"hvc1", b"Alices cat"), 3: Item(b"Exif", b"Bob")}
    stripped, named = strip(picture(items, [(b"dimg", 1, [2])]))
    assert b"Color" in stripped
    assert b"Alices cat" not in stripped
    assert b"Bob" not in stripped
    assert named.count(("Text", "name of a part")) == 1


def test_properties_that_say_something_go_and_those_of_the_pixels_stay() -> None:
    stripped, named = strip(picture({1: Item(b"hvc1", properties=range(1, 5))}))
    assert all(each in stripped for each in PROPERTIES[:3])
    meta = require_box(stripped, 0, len(stripped), b"meta")
    kinds = [each.kind for each in read_properties(stripped, meta)[1]]
    assert kinds == [b"ispe", b"auxC", b"auxC"]
    assert b"description of a person" not in stripped
    assert b"udes" not in stripped
    assert named == [("Text", "description")]
    # Those of the pixels of a picture that goes go with it.
    depth = Item(b"hvc1", properties=[ISPE, AUX_DEPTH])
    stripped, named = strip(picture({1: Item(b"hvc1"), 2: depth}, [(b"auxl", 2, [1])]))
    assert PROPERTIES[0] in stripped
    assert not any(each in stripped for each in PROPERTIES[1:])
    assert named == [("Picture", "auxiliary picture"), ("Text", "description")]


@pytest.mark.parametrize("avif", [False, True])
def test_what_lies_between_the_items_goes(avif: bool) -> None:
    items = {1: Item(b"hvc1"), 2: Item(b"Exif")}
    stripped, _ = strip(picture(items, slack=b"hidden"), avif=avif)
    assert kept(stripped) == [1]
    assert b"hidden" not in stripped


def test_items_lie_in_any_box_of_media_and_what_no_item_names_goes_from_each() -> None:
    items = {1: Item(b"grid"), 2: Item(b"hvc1"), 3: Item(b"Exif")}
    data = picture(items, [(b"dimg", 1, [2])], before=box(b"mdat", b"hidden"), slack=b"secret")
    stripped, _ = strip(data + box(b"mdat", b"hidden"))
    assert kept(stripped) == [1, 2]
    assert b"hidden" not in stripped
    assert b"secret" not in stripped
    # A box of which nothing stays becomes empty, or is cut; the picture ends the file.
    assert kinds_at_top(stripped) == [b"ftyp", b"free", b"meta", b"mdat"]
    assert stripped.endswith(words(2))


def test_of_two_boxes_of_a_kind_the_first_counts_and_the_other_goes() -> None:
    second = full(b"pitm", struct.pack(">H", 2))
    stripped, named = strip(picture({1: Item(b"hvc1"), 2: Item(b"hvc1")}, in_meta=second))
    assert kept(stripped) == [1]
    assert stripped.count(b"pitm") == 1
    assert ("Other", "pitm box") in named


def test_a_reference_that_loses_little_leaves_no_place_too_small_for_a_box() -> None:
    alpha = Item(b"hvc1", properties=[ISPE, AUX_ALPHA])
    items = {1: Item(b"hvc1"), 2: alpha, 3: Item(b"hvc1")}
    stripped, _ = strip(picture(items, [(b"auxl", 2, [1, 3]), (b"thmb", 3, [1])]))
    assert kept(stripped) == [1, 2]
    meta = require_box(stripped, 0, len(stripped), b"meta")
    (left,) = read_references(stripped, meta)
    assert (left.kind, left.source, set(left.targets)) == (b"auxl", 2, {1})


def test_boxes_that_hold_no_part_of_the_picture_go_and_are_named() -> None:
    data = picture(
        {1: Item(b"hvc1")},
        in_meta=box(b"cprt", b"of Alice") + box(b"zzzz", b"anything"),
        in_properties=box(b"yyyy", b"something"),
        after=box(b"free", bytes(8))
        + box(b"skip", b"words")
        + box(b"mpvd", b"a film")
        + box(b"uuid", b"<x:xmpmeta><dc:title/></x:xmpmeta>"),
    )
    stripped, named = strip(data)
    for gone in (
        b"of Alice",
        b"anything",
        b"something",
        b"words",
        b"a film",
        b"dc:title",
        b"cprt",
        b"mpvd",
    ):
        assert gone not in stripped
    assert named == [
        ("Other", "yyyy box"), ("Text", "description"), ("Text", "copyright"),
        ("Other", "zzzz box"),
        ("Other", "unused bytes"), ("Video", "motion photo"), ("XMP", "dc:title"),
    ]  # fmt: skip


SAMPLE = content(8, b"av01")
# Behind the type of the file, the head of a box, and bytes that nothing names.
SAMPLE_AT = 24 + 8 + 8


def table(kind: bytes, *numbers: int) -> bytes:
    return full(kind, struct.pack(f">{len(numbers)}I", *numbers))


def film(sample_at: int) -> bytes:
    """Return a film of one picture, with times, a name of its own, and what people said."""
    times = struct.pack(">II", 0xDEAD0001, 0xDEAD0002)
    entry = box(b"av01", bytes(78), box(b"av1C", b"\x81\0\x0c\0"), box(b"cmnt", b"words"))
    tables = box(
        b"stbl", full(b"stsd", struct.pack(">I", 1), entry), table(b"stts", 1, 1, 100),
        table(b"stsc", 1, 1, 1, 1), table(b"stsz", 0, 1, len(SAMPLE)),
        table(b"stco", 1, sample_at),
    )  # fmt: skip
    handler = full(b"hdlr", bytes(4), b"pict", bytes(12), b"of Alice\0")
    media = box(
        b"mdia",
        full(b"meta", b"where"),
        full(b"mdhd", times, struct.pack(">II", 1000, 100), b"spa!"[:2], bytes(2)),
        handler,
        box(b"minf", full(b"vmhd", bytes(8)), tables),
    )
    head = full(b"mvhd", times, struct.pack(">II", 1000, 100), bytes(76), struct.pack(">I", 2))
    track = full(b"tkhd", times, struct.pack(">I", 1), bytes(60), b"the size")
    return box(b"moov", head, box(b"udta", b"of a person"), box(b"trak", track, media))


def sequence(items: Mapping[int, Item], slack: bytes = b"", brand: bytes = b"avis") -> bytes:
    """Return a file whose film's sample lies between other bytes before the items."""
    before = box(b"mdat", b"hidden--", SAMPLE, b"hidden")
    return picture(items, before=before, after=film(SAMPLE_AT), slack=slack, brand=brand)


def test_a_sequence_needs_no_picture_beside_it() -> None:
    stripped, named = strip(sequence({1: Item(b"Exif")}), avif=True)
    assert kept(stripped) == [8]
    assert kinds_at_top(stripped) == [b"ftyp", b"mdat", b"free", b"free", b"moov"]
    assert ("Other", "meta box") in named


def test_the_sequence_of_an_avif_stays_without_what_people_said() -> None:
    data = sequence({1: Item(b"av01"), 2: Item(b"Exif")})
    stripped, named = strip(data, avif=True)
    for kind in (b"mvhd", b"tkhd", b"mdhd"):
        at, size = data.index(kind), 16 if kind == b"mvhd" else 4
        assert stripped[at : at + 8] == kind + bytes(4)
        assert stripped[at + 8 : at + 16] == bytes(8)
        assert stripped[at + 16 : at + 16 + size] == data[at + 16 : at + 16 + size]
    for stays in (b"moov", b"the size", b"av1C", b"stts", b"stsc", b"stsz", b"stco", b"vmhd"):
        assert stripped.index(stays) == data.index(stays)
    for gone in (b"of a person", b"where", b"udta", b"of Alice", b"words", b"cmnt", b"\xde\xad"):
        assert gone not in stripped
    assert kept(stripped) == [1, 8]
    for name in (
        ("Other", "user data of a film"), ("Other", "meta box"), ("Other", "cmnt box"),
        ("Text", "name of a part"), ("Text", "time of creation"),
    ):  # fmt: skip
        assert name in named


def test_bytes_that_no_item_names_stay_where_a_sequence_needs_them() -> None:
    items = {1: Item(b"av01"), 2: Item(b"Exif")}
    stripped, _ = strip(sequence(items, slack=b"hidden"), avif=True)
    assert stripped[SAMPLE_AT : SAMPLE_AT + len(SAMPLE)] == SAMPLE
    assert kept(stripped) == [1, 8]
    assert b"hidden" not in stripped
    # A film that the file does not state is no part of the picture; of a HEIC none is.
    still = sequence(items, brand=b"avif")
    for data, avif in (sequence(items), False), (still, True):
        stripped, named = strip(data, avif=avif)
        assert kept(stripped) == [1]
        assert kinds_at_top(stripped) == [b"ftyp", b"free", b"meta", b"mdat"]
        assert b"avis" not in stripped
        assert ("Video", "motion photo") in named


def test_media_without_anything_in_it_is_left_as_it_is() -> None:
    item = Item(b"hvc1", properties=[ISPE, AUX_ALPHA, AUX_DEPTH])
    plain = picture({1: item}, before=box(b"mdat", bytes(8)))
    plain = plain.replace(PROPERTIES[3], box(b"free", bytes(len(PROPERTIES[3]) - 8)))
    for data in (plain, plain + box(b"mdat"), plain + box(b"mdat", bytes(8))):
        assert strip(data) == (data, [])


def test_what_people_said_within_the_coded_picture_goes_and_its_frame_stays() -> None:
    """A unit of metadata before the frame becomes padding of the same length."""
    whole = content(1, b"av01")
    said, frame = b"\x2a\x06\x04of Al", b"\x32" + bytes([len(words(1)) - 8]) + words(1)[8:]
    assert len(said + frame) == len(whole)
    data = picture({1: Item(b"av01")}, brand=b"avif", slack=b"hidden").replace(whole, said + frame)
    at = data.index(said)
    stripped, _ = strip(data, avif=True)
    assert b"of Al" not in stripped
    assert stripped[at + len(said) :] == frame
    assert not any(stripped[at - len(b"hidden") : at])


def test_a_coded_picture_in_two_pieces_stays_in_them_without_what_people_said() -> None:
    whole = content(1, b"av01")
    said = b"\x2a\x06\x04of Al"
    frame = b"\x32" + bytes([len(whole) - len(said) - 2]) + whole[len(said) + 2 :]
    half = -(-len(whole) // 2)
    data = picture({1: Item(b"av01")}, brand=b"avif", slack=b"hidden", pieces=2)
    pieces = (said + frame)[:half], (said + frame)[half:]
    for before, piece in zip((whole[:half], whole[half:]), pieces, strict=True):
        data = data.replace(before, piece)
    first, second = (data.index(piece) for piece in pieces)
    stripped, _ = strip(data, avif=True)
    assert b"of Al" not in stripped
    left = stripped[first : first + half] + stripped[second:]
    assert left[len(said) :] == frame
    assert not any(stripped[first + half : second])


def test_only_the_picture_itself_needs_data() -> None:
    """Of a tile or of transparency without any, decoders show what there is."""
    alpha = Item(b"hvc1", properties=[ISPE, AUX_ALPHA])
    items, references = {1: Item(b"hvc1"), 2: alpha}, [(b"auxl", 2, [1])]
    stripped, _ = strip(picture(items, references, nowhere=[2]))
    assert (kept(stripped), items_of(stripped)) == ([1], [(1, b"hvc1"), (2, b"hvc1")])
    with pytest.raises(BrokenStructure):
        strip(picture(items, references, nowhere=[1]))
    # What only says which other is meant has none either.
    copy = {1: Item(b"iden"), 2: Item(b"hvc1")}
    stripped, _ = strip(picture(copy, [(b"dimg", 1, [2])], nowhere=[1]))
    assert (kept(stripped), items_of(stripped)) == ([2], [(1, b"iden"), (2, b"hvc1")])


def test_a_film_needs_no_items_at_all() -> None:
    file_type = box(b"ftyp", b"avis", bytes(4), b"avis")
    # Of what goes before it not even the last byte stays.
    media = box(b"skip", b"words") + box(b"mdat", b"hidden--", SAMPLE)
    data = file_type + media + film(len(file_type) + 8 + 5 + 16)
    stripped, named = strip(data, avif=True)
    assert kept(stripped) == [8]
    assert b"hidden" not in stripped
    assert kinds_at_top(stripped) == [b"ftyp", b"free", b"mdat", b"moov"]
    assert ("Other", "user data of a film") in named
    with pytest.raises(BrokenStructure):
        strip(data)


def test_a_film_whose_pictures_lie_in_what_tells_of_it_is_not_stripped() -> None:
    """Nor in the data of items that go: nothing of those boxes may stay as it was."""
    store = box(b"idat", SAMPLE)
    without = picture({1: Item(b"Exif")}, in_meta=store, brand=b"avis")
    data = without + film(without.index(SAMPLE))
    with pytest.raises(BrokenStructure, match="in what tells of it"):
        strip(data, avif=True)
    place = len(without) + film(0).index(b"the size")
    with pytest.raises(BrokenStructure, match="in what tells of it"):
        strip(without + film(place), avif=True)


@pytest.mark.parametrize(
    "data",
    [
        picture({1: Item(b"hvc1")})[24:],
        picture({1: Item(b"hvc1")}) + full(b"meta"),
        picture({1: Item(b"Exif"), 2: Item(b"hvc1")}),
        picture({1: Item(b"Exif")}),
        picture({2: Item(b"hvc1")}),
        picture({1: Item(b"hvc1")})[:-1],
    ],
)
def test_a_file_without_its_picture_or_with_two_of_a_kind_is_not_stripped(data: bytes) -> None:
    with pytest.raises(BrokenStructure):
        strip(data)
