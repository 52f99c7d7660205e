"""The tracks of an AVIF that moves (`moov`): the picture's and its transparency's, nothing else.

Times of making are zero, and of each box what decoders need stays, so that no offset changes.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from images.formats.errors import require
from images.formats.isobmff import Box, Reader, boxes, find_box, require_box
from images.formats.metadata_groups import MetadataGroup
from images.metadata.dropped import Dropped
from images.metadata.heif_items import OWN_FILE, note_box, strip_handler
from images.metadata.iso_boxes import (
    FREE,
    filled,
    free_box,
    is_alpha,
    sized,
    strip_property,
    written_property,
)
from images.metadata.kept_bytes import KeptBytes, Span

_CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts"})
_PICTURES = frozenset({b"pict", b"vide"})
_CODEC = b"av01"
# Beside a version and flags: bytes before a table, and of one of its rows.
_TABLES = {
    b"stts": (4, 8), b"ctts": (4, 8), b"stsc": (4, 12), b"stco": (4, 4), b"co64": (4, 8),
    b"stss": (4, 4), b"stsz": (8, 4),
}  # fmt: skip
_FIXED = {b"vmhd": 12, b"nmhd": 4, b"cslg": 24}
_REFERENCES = frozenset({b"auxl", b"prem"})
_UNDETERMINED = b"\x55\xc4"
_SAMPLE_ENTRY_BYTES, _NAME_AT, _NAME_BYTES = 78, 42, 32
_USUAL_NAMES = frozenset({b"AOM Coding"})
# More than any animation that is taken has (`images.formats.limits.MAX_FRAMES`).
_MAX_SAMPLES = 100_000
_LONG = 0xFFFFFFFF
_OTHER_TRACKS = {
    b"soun": "sound", b"text": "subtitles", b"sbtl": "subtitles", b"subt": "subtitles",
    b"clcp": "subtitles", b"meta": "timed metadata",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Track:
    """A track: its box, its number, what handles it, and which others it refers to."""

    box: Box
    number: int
    handler: bytes
    references: dict[bytes, tuple[int, ...]]
    table: Box
    is_coded: bool
    is_transparency: bool


def read_tracks(data: bytes, film: Box) -> list[Track]:
    """Return the tracks that make the picture, its own first; raises BrokenStructure."""
    tracks = [
        _read_track(data, box) for box in boxes(data, film.body, film.end) if box.kind == b"trak"
    ]
    shown = next((each for each in tracks if _shows(each)), None)
    if shown is None:
        return []
    number = shown.number
    alpha = [
        each
        for each in tracks
        if each.is_transparency and number in each.references.get(b"auxl", ())
    ]
    return [shown, *alpha[:1]]


def _shows(track: Track) -> bool:
    return track.handler in _PICTURES and track.is_coded and b"auxl" not in track.references


def _read_track(data: bytes, box: Box) -> Track:
    media = require_box(data, box.body, box.end, b"mdia")
    header = require_box(data, box.body, box.end, b"tkhd")
    handler = require_box(data, media.body, media.end, b"hdlr")
    information = find_box(data, media.body, media.end, b"minf")
    table = find_box(data, information.body, information.end, b"stbl") if information else None
    entries = list(_sample_entries(data, table)) if table else []
    held = [each for entry in entries for each in _boxes_of_entry(data, entry)]
    at = header.body + (20 if data[header.body] else 12)
    return Track(
        box,
        int.from_bytes(data[at : at + 4], "big"),
        data[handler.body + 8 : handler.body + 12],
        dict(_read_references(data, box)),
        table or box,
        bool(entries) and all(each.kind == _CODEC for each in entries),
        any(is_alpha(data, each) for each in held),
    )


def _read_references(data: bytes, track: Box) -> Iterator[tuple[bytes, tuple[int, ...]]]:
    holder = find_box(data, track.body, track.end, b"tref")
    for box in boxes(data, holder.body, holder.end) if holder else ():
        count = (box.end - box.body) // 4
        yield box.kind, struct.unpack_from(f">{count}I", data, box.body)


def _sample_entries(data: bytes, table: Box) -> Iterator[Box]:
    description = require_box(data, table.body, table.end, b"stsd")
    yield from boxes(data, description.body + 8, description.end)


def _boxes_of_entry(data: bytes, entry: Box) -> Iterator[Box]:
    if entry.kind == _CODEC:
        yield from boxes(data, entry.body + _SAMPLE_ENTRY_BYTES, entry.end)


def strip_film(kept: KeptBytes, film: Box, tracks: list[Track], dropped: Dropped) -> None:
    """Write the `moov` box with the wanted tracks; `mdat` is left to the caller."""
    _Writer(
        kept, {each.box.body for each in tracks}, {each.number for each in tracks}, dropped
    ).write(film)


class _Writer:
    """Writes boxes of a film to where they lay, each without what decoders do not need."""

    def __init__(
        self, kept: KeptBytes, wanted: set[int], numbers: set[int], dropped: Dropped
    ) -> None:
        self._kept, self._data = kept, kept.data
        self._wanted, self._numbers, self._dropped = wanted, numbers, dropped

    def write(self, box: Box) -> None:
        """Write a box, or an empty one in its place."""
        start, size = box.kind_at - 4, box.end - box.kind_at + 4
        if box.kind == b"trak" and box.body not in self._wanted:
            self._note_track(box)
            self._kept.write(start, free_box(size))
        elif box.kind in _CONTAINERS:
            self._kept.keep(start, box.body)
            for each in boxes(self._data, box.body, box.end):
                self.write(each)
        elif (content := self._strip(box)) is not None:
            self._kept.keep(start, box.body)
            self._kept.write(box.body, content.ljust(box.end - box.body, b"\0"))
        else:
            note_box(self._dropped, self._data, box)
            self._kept.write(start, free_box(size))

    def _note_track(self, box: Box) -> None:
        media = find_box(self._data, box.body, box.end, b"mdia")
        handler = find_box(self._data, media.body, media.end, b"hdlr") if media else None
        kind = self._data[handler.body + 8 : handler.body + 12] if handler else b""
        self._dropped.add(MetadataGroup.VIDEO, _OTHER_TRACKS.get(kind, "further film"))

    def _strip(self, box: Box) -> bytes | None:
        body = self._data[box.body : box.end]
        if box.kind in _TABLES:
            return self._strip_table(box.kind, body)
        if box.kind in _FIXED:
            return body[: _FIXED[box.kind]]
        strip: Callable[[bytes], bytes | None] | None = {
            b"mvhd": self._strip_film_header, b"tkhd": self._strip_track_header,
            b"mdhd": self._strip_media_header, b"elst": self._strip_edits,
            b"dinf": self._strip_sources, b"tref": self._strip_references,
            b"hdlr": lambda each: strip_handler(each, self._dropped),
        }.get(box.kind)  # fmt: skip
        if strip:
            return strip(body)
        return self._strip_descriptions(box) if box.kind == b"stsd" else None

    def _strip_table(self, kind: bytes, body: bytes) -> bytes:
        head, row = _TABLES[kind]
        count = int.from_bytes(body[head : head + 4], "big")
        if kind == b"stsz" and body[4:8] != bytes(4):
            count = 0  # all of one size
        length = 4 + head + row * count
        require(length <= len(body), "a table longer than its box")
        return body[:length]

    def _strip_film_header(self, body: bytes) -> bytes:
        times = 16 if body[0] else 8
        self._note_time(body[4 : 4 + times])
        at = 4 + times
        return (
            body[:4]
            + bytes(times)
            + body[at : at + (12 if body[0] else 8) + 6]
            + bytes(10)
            + (body[at + (12 if body[0] else 8) + 16 :][:36])
            + bytes(24)
            + body[-4:]
        )

    def _strip_track_header(self, body: bytes) -> bytes:
        times = 16 if body[0] else 8
        self._note_time(body[4 : 4 + times])
        return body[:4] + bytes(times) + body[4 + times : 96 if body[0] else 84]

    def _strip_media_header(self, body: bytes) -> bytes:
        times = 16 if body[0] else 8
        self._note_time(body[4 : 4 + times])
        at = 4 + times + (12 if body[0] else 8)
        return body[:4] + bytes(times) + body[4 + times : at] + _UNDETERMINED + bytes(2)

    def _note_time(self, times: bytes) -> None:
        if any(times):
            self._dropped.add(MetadataGroup.TEXT, "time of creation")

    def _strip_edits(self, body: bytes) -> bytes:
        row = 20 if body[0] else 12
        return body[: 8 + row * int.from_bytes(body[4:8], "big")]

    def _strip_sources(self, body: bytes) -> bytes:
        """Return where the film's bytes lie: in this file, by the entry that says so."""
        require(len(body) >= len(OWN_FILE), "data elsewhere")
        return filled([OWN_FILE], len(body))

    def _strip_references(self, body: bytes) -> bytes | None:
        """Return the references between wanted tracks; of one that goes another takes the place."""
        found = []
        for box in boxes(body, 0, len(body)):
            count = (box.end - box.body) // 4
            numbers = struct.unpack_from(f">{count}I", body, box.body)
            left = [each for each in numbers if each in self._numbers]
            if box.kind in _REFERENCES and left:
                left += [left[-1]] * (count - len(left))
                found.append(sized(box.kind, struct.pack(f">{count}I", *left)))
        return filled(found, len(body)) if found else None

    def _strip_descriptions(self, box: Box) -> bytes:
        found = [self._strip_entry(each) for each in boxes(self._data, box.body + 8, box.end)]
        return bytes(4) + struct.pack(">I", len(found)) + b"".join(found)

    def _strip_entry(self, entry: Box) -> bytes:
        fixed = bytearray(self._data[entry.body : entry.body + _SAMPLE_ENTRY_BYTES])
        require(len(fixed) == _SAMPLE_ENTRY_BYTES, "a short sample entry")
        name = fixed[_NAME_AT : _NAME_AT + _NAME_BYTES]
        if bytes(name[1 : 1 + name[0]]) not in _USUAL_NAMES:
            fixed[_NAME_AT : _NAME_AT + _NAME_BYTES] = bytes(_NAME_BYTES)
        written = []
        for each in _boxes_of_entry(self._data, entry):
            body = strip_property(self._data, each, self._dropped)
            if body is not None:
                written.append(written_property(self._data, each, body))
            elif each.kind != FREE:
                note_box(self._dropped, self._data, each)
        room = entry.end - entry.body - _SAMPLE_ENTRY_BYTES
        return sized(entry.kind, bytes(fixed) + filled(written, room))


def media_spans(data: bytes, table: Box) -> list[Span]:
    """Return where a track's chunks lie (sections 8.7.3 to 8.7.5); raises BrokenStructure."""
    sizes, offsets = list(_sample_sizes(data, table)), list(_chunk_offsets(data, table))
    if not sizes or not offsets:
        return []
    ends = [0, *accumulate(sizes)]
    runs = list(_runs(data, table))
    require(bool(runs) and runs[0][0] == 1, "chunks without samples")
    found, sample = [], 0
    for (first, count), (following, _) in pairwise([*runs, (len(offsets) + 1, 0)]):
        for offset in offsets[first - 1 : following - 1]:
            last = min(sample + count, len(sizes))
            found.append((offset, offset + ends[last] - ends[sample]))
            sample = last
    require(all(end <= len(data) for _, end in found), "a chunk past the end")
    return found


def sample_spans(data: bytes, table: Box) -> list[Span]:
    """Return where each sample lies."""
    sizes = list(_sample_sizes(data, table))
    found, n = [], 0
    for start, end in media_spans(data, table):
        at = start
        while n < len(sizes) and at + sizes[n] <= end and at < end:
            found.append((at, at + sizes[n]))
            at += sizes[n]
            n += 1
    return found


def _runs(data: bytes, table: Box) -> list[tuple[int, int]]:
    """Return from which chunk on how many samples each has."""
    box = require_box(data, table.body, table.end, b"stsc")
    count = int.from_bytes(data[box.body + 4 : box.body + 8], "big")
    require(8 + 12 * count <= box.end - box.body, "more runs than fit")
    found = [struct.unpack_from(">II", data, box.body + 8 + 12 * n) for n in range(count)]
    require(all(a < b for (a, _), (b, _) in pairwise(found)), "runs out of order")
    return found


def _sample_sizes(data: bytes, table: Box) -> Iterator[int]:
    box = find_box(data, table.body, table.end, b"stsz")
    require(box is not None, "samples without sizes")
    if box is None:
        return
    same, count = struct.unpack_from(">II", data, box.body + 4)
    require(count <= _MAX_SAMPLES, "too many samples")
    reader = Reader(data, box.body + 12)
    for _ in range(count):
        yield same or reader.number(4)


def _chunk_offsets(data: bytes, table: Box) -> Iterator[int]:
    box = find_box(data, table.body, table.end, b"stco")
    width = 4 if box else 8
    box = box or require_box(data, table.body, table.end, b"co64")
    count = int.from_bytes(data[box.body + 4 : box.body + 8], "big")
    require(8 + width * count <= box.end - box.body, "more chunks than fit")
    reader = Reader(data, box.body + 8)
    for _ in range(count):
        yield reader.number(width)
