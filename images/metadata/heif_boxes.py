"""The boxes of AVIF and HEIC (ISO base media files): those that the picture needs.

No offset changes: what stays is copied to where it lay in an empty file, which ends where the last
of it does. What is known to make the picture stays, its orientation (`irot`, `imir`) included.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

from images.formats.errors import BrokenStructure, require
from images.formats.isobmff import Box, boxes
from images.formats.isobmff_relations import primary_item
from images.metadata.coded_units import strip_av1, strip_hevc
from images.metadata.dropped import Dropped
from images.metadata.heif_items import Items, note_box, strip_items
from images.metadata.heif_tracks import Track, read_tracks, sample_spans, strip_film
from images.metadata.iso_boxes import free_box
from images.metadata.kept_bytes import KeptBytes, Span, merge

_SEQUENCE = b"avis"
# What is written anew; everything else, and what is no box, may hold a picture's data.
_STRUCTURE = frozenset({b"ftyp", b"meta", b"moov"})
# Of a file that has no film any more; the first of them that it had becomes the major one.
_STILL = {
    b"avif": (b"avif",),
    b"heic": (b"heic", b"heix", b"heim", b"heis", b"mif1"),
}
_STILL_BRANDS = frozenset({
    b"avif", b"mif1", b"mif2", b"miaf", b"MA1A", b"MA1B", b"heic", b"heix", b"heim", b"heis",
    b"MiHE", b"MiHA", b"MiHB", b"tmap", b"avio", b"1pic", b"geo1", b"unif",
})  # fmt: skip


def strip_avif(data: bytes, dropped: Dropped) -> bytes:
    """Return the stripped file; raises BrokenStructure, IndexError or struct.error.

    A film stays where the file says that it is an animation (`avis`), with what it needs.
    """
    return _strip(data, b"avif", dropped)


def strip_heic(data: bytes, dropped: Dropped) -> bytes:
    """Return the stripped file, without a film that lies beside the picture."""
    return _strip(data, b"heic", dropped)


def _strip(data: bytes, brand: bytes, dropped: Dropped) -> bytes:
    top, end = _read_boxes(data)
    require(bool(top) and top[0].kind == b"ftyp", "no file type box")
    require(sum(box.kind == b"meta" for box in top) <= 1, "two item boxes")
    kept = KeptBytes(data)
    meta = next((box for box in top if box.kind == b"meta"), None)
    film = next((box for box in top if box.kind == b"moov"), None)
    items = Items(data, meta) if meta else None
    tracks = read_tracks(data, film) if film and _is_sequence(data, top[0], brand) else []
    require(bool(tracks) or (items is not None and bool(items.wanted)), "no picture")
    for box in top:
        if box is top[0]:
            _write_brands(kept, box, brand, has_film=bool(tracks))
        elif box is meta and items and items.wanted:
            strip_items(kept, items, dropped)
        elif box is film and tracks:
            strip_film(kept, box, tracks, dropped)
        elif box.kind != b"mdat":
            note_box(dropped, data, box)
            _write_free(kept, box)
    units = [unit for track in tracks for unit in _units_of_track(data, track)]
    units += _units_of_items(items) if items else []
    item_data = items.boxes.get(b"idat") if items and items.wanted else None
    _write_media(kept, top, units, item_data)
    dropped.add_trailer(data[end:])
    return _finish(kept, top)


def _read_boxes(data: bytes) -> tuple[list[Box], int]:
    """Return the boxes, and where they end: what follows is none, and decoders pass over it."""
    found: list[Box] = []
    try:
        for box in boxes(data, 0, len(data)):
            found.append(box)  # noqa: PERF402 (those before a broken one count)
    except (BrokenStructure, struct.error):
        pass
    return found, found[-1].end if found else 0


def _is_sequence(data: bytes, file_type: Box, brand: bytes) -> bool:
    return brand == b"avif" and _SEQUENCE in _brands(data, file_type)


def _brands(data: bytes, file_type: Box) -> list[bytes]:
    """Return the major brand, and the others that a file states."""
    others = range(file_type.body + 8, file_type.end - 3, 4)
    return [data[at : at + 4] for at in (file_type.body, *others)]


def _write_brands(kept: KeptBytes, box: Box, brand: bytes, *, has_film: bool) -> None:
    """Write the file type without brands that promise a film where there is none any more."""
    kept.keep(box.kind_at - 4, box.body)
    stated = _brands(kept.data, box)
    if not has_film:
        major = next((each for each in stated if each in _STILL[brand]), _STILL[brand][0])
        stated = [each if each in _STILL_BRANDS else b"mif1" for each in stated]
        stated[0] = stated[0] if stated[0] in _STILL[brand] else major
    kept.write(box.body, stated[0] + kept.data[box.body + 4 : box.body + 8] + b"".join(stated[1:]))


def _write_free(kept: KeptBytes, box: Box) -> None:
    """Write an empty box; one at the end of the file is cut off again, so it does not count."""
    start, end = box.kind_at - 4, kept.end
    kept.write(start, free_box(min(box.end - start, 0xFFFFFFFF)))
    kept.end = end


@dataclass(frozen=True, slots=True)
class _Unit:
    """Where a coded picture lies, and what takes out of it what its decoder passes over."""

    spans: list[Span]
    strip: Callable[[bytes], bytes] | None


def _write_media(
    kept: KeptBytes, top: list[Box], units: list[_Unit], item_data: Box | None
) -> None:
    """Copy the bytes that kept items and tracks name, wherever they lie, and the heads of media.

    Decoders find them in other boxes and behind the last one, too.
    """
    spans = list(merge(chain.from_iterable(unit.spans for unit in units)))
    free = [each for each in spans if not (item_data and _holds(item_data, each))]
    structure = [box for box in top if box.kind in _STRUCTURE]
    is_outside = not any(_overlap(box.kind_at - 4, box, span) for box in structure for span in free)
    require(is_outside, "a picture in what tells of it")
    for box in top:
        if box.kind != b"mdat":
            continue
        if any(_overlap(box.body, box, span) for span in spans) or not any(
            kept.data[box.body : box.end]
        ):
            kept.keep(box.kind_at - 4, box.body)
        else:
            _write_free(kept, box)
    for start, end in spans:
        kept.keep(start, end)
    for unit in units:
        if unit.strip:
            _rewrite(kept, unit.spans, unit.strip)


def _holds(store: Box, span: Span) -> bool:
    return store.body <= span[0] and span[1] <= store.end


def _overlap(start: int, box: Box, span: Span) -> bool:
    return span[0] < box.end and start < span[1]


def _units_of_items(items: Items) -> Iterator[_Unit]:
    kinds = {item.number: item.kind for item in items.all}
    for number in sorted(items.wanted):
        strip: Callable[[bytes], bytes] | None = None
        if kinds[number] == b"av01":
            strip = strip_av1
        elif kinds[number] == b"hvc1":
            strip = partial(strip_hevc, width=items.unit_width(number))
        spans = items.spans(number)
        # Without the others' decoders do.
        is_first = number == primary_item(items.data, items.meta)
        require(bool(spans) or strip is None or not is_first, "a picture without data")
        yield _Unit(spans, strip)


def _units_of_track(data: bytes, track: Track) -> Iterator[_Unit]:
    yield from (_Unit([span], strip_av1) for span in sample_spans(data, track.table))


def _rewrite(kept: KeptBytes, spans: list[Span], strip: Callable[[bytes], bytes]) -> None:
    """Write a picture that may lie in several pieces, if anything is taken out of it."""
    require(sum(end - start for start, end in spans) <= len(kept.data), "pieces that overlap")
    content = b"".join(kept.data[start:end] for start, end in spans)
    stripped = strip(content)
    if stripped == content:
        return
    at = 0
    for start, end in spans:
        kept.write(start, stripped[at : at + end - start])
        at += end - start


def _finish(kept: KeptBytes, top: list[Box]) -> bytes:
    """Return the file, which ends where the last of what is kept does."""
    if kept.result == kept.data:
        return kept.data
    if not any(kept.data[kept.end :]):
        return bytes(kept.result)
    last = next(box for box in reversed(top) if box.kind_at - 4 < kept.end)
    if last.end > kept.end:
        _shorten(kept, last)
    return bytes(kept.result[: kept.end])


def _shorten(kept: KeptBytes, box: Box) -> None:
    """Write how long the last box is now; one without length goes to the end of the file anyway."""
    start, size = box.kind_at - 4, kept.end - box.kind_at + 4
    stated = struct.unpack_from(">I", kept.data, start)[0]
    if stated == 1:
        kept.write(start + 8, struct.pack(">Q", size))
    elif stated:
        kept.write(start, struct.pack(">I", size))
