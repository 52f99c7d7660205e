"""The segments of a JPEG (ITU-T T.81, annex B): those that make the picture stay, as they are.

Between segments decoders pass over what is none; it goes. Entropy-coded data loses what decoders
pass over in it (`images.metadata.jpeg_data`).
"""

import re
from collections.abc import Iterator
from itertools import takewhile

from images.formats.errors import require
from images.formats.exif import UPRIGHT, orientation_exif
from images.formats.jpeg_scans import FRAMES, read_scans
from images.formats.limits import MAX_SCANS
from images.formats.metadata_groups import MetadataGroup
from images.formats.scan import EOI, SOS, Buffer, jpeg_segments, next_marker
from images.metadata.dropped import UNUSED_BYTES, Dropped
from images.metadata.icc_profiles import strip_profile
from images.metadata.jpeg_data import Segment, strip_scans

_SOI, _EOI_MARKER = b"\xff\xd8", b"\xff\xd9"
_COM = 0xFE
_APP0, _APP1, _APP2, _APP13, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF
_APPLICATIONS = frozenset(range(_APP0, _APP15 + 1))
# Tables of Huffman and arithmetic coding, of quantization, the restart interval.
_KEPT = FRAMES | {0xC4, 0xCC, 0xDB, 0xDD, SOS}
# As libjpeg looks for the next marker: whatever comes before it is passed over.
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
# A JFIF header with the size of its thumbnail, which is dropped and set to 0×0.
_JFIF_BYTES, _ADOBE_BYTES = 14, 12
_PROFILE = b"ICC_PROFILE\0"
_PROFILE_BYTES = 65_519


def strip_jpeg(data: Buffer, orientation: int, dropped: Dropped) -> Iterator[bytes]:
    """Yield the stripped file in pieces; raises BrokenStructure, IndexError or struct.error."""
    kept = _kept_segments(data, orientation, dropped, has_data=True)
    pixels = [each for each in kept if each.marker in _KEPT]
    stripped = strip_scans(pixels)
    if stripped != pixels:
        dropped.add(MetadataGroup.OTHER, UNUSED_BYTES)
    following = iter(stripped)
    yield _SOI
    for each in kept:
        yield (next(following) if each.marker in _KEPT else each).written()
    yield _EOI_MARKER


def follow_jpeg(data: Buffer, orientation: int) -> None:
    """Raise what `strip_jpeg` does, of all but the data of scans, which is not even copied."""
    for each in _kept_segments(data, orientation, Dropped(), has_data=False):
        each.written()


def _kept_segments(
    data: Buffer, orientation: int, dropped: Dropped, *, has_data: bool
) -> list[Segment]:
    require(data[:2] == _SOI, "no start of image")
    end = read_scans(data, MAX_SCANS).end
    found = list(read_segments(data, end, has_data=has_data))
    _note_rest(data[end:], dropped)
    kept = list(_strip_segments(found, dropped))
    if orientation != UPRIGHT:
        # EXIF comes first, but a JFIF header is one only before it.
        exif = Segment(_APP1, b"Exif\0\0" + orientation_exif(orientation))
        kept.insert(bool(kept and kept[0].marker == _APP0), exif)
    return kept


def read_segments(
    data: Buffer, end: int | None = None, *, has_data: bool = True
) -> Iterator[Segment]:
    """Yield the segments to the end of image, or to `end`; raises BrokenStructure.

    Without `has_data` what lies behind the headers of scans is left out.
    """
    last = len(data) if end is None else end
    for marker, start, stop in jpeg_segments(data, end):
        require(start <= stop <= last, "a segment longer than the file")
        scan = b""
        if marker == SOS and has_data:
            found = next_marker(data, stop, end)
            # What is filled up before a marker is no data: there 00 would follow.
            scan = data[stop : found[0] if found else last].rstrip(b"\xff")
        yield Segment(marker, data[start:stop], scan)


def _strip_segments(segments: list[Segment], dropped: Dropped) -> Iterator[Segment]:
    """Yield what makes the picture, with a profile that is written anew where that is needed."""
    profile = _profile_of(segments)
    stripped = strip_profile(profile)
    stays = profile == stripped != b""
    # Before the first scan: the first header counts, and of what tells the colours the last.
    head = list(takewhile(lambda each: each.marker != SOS, segments))
    single = [each for each in head if _is_jfif(each)][:1]
    single += [each for each in head if _is_adobe(each)][-1:]
    is_written = False
    for segment in segments:
        if segment.marker in _KEPT or (_is_profile(segment) and stays):
            yield segment
        elif any(segment is each for each in single):
            yield _shortened(segment, dropped)
        elif not _is_profile(segment):
            _note(dropped, segment)
        elif not is_written:
            is_written = True
            dropped.add(MetadataGroup.PROFILE, "what colour does not need")
            yield from _profile_segments(stripped)


def _shortened(segment: Segment, dropped: Dropped) -> Segment:
    """Return a JFIF header without its preview, or Adobe's segment without what follows it."""
    is_adobe = segment.marker == _APP14
    body = segment.body[:_ADOBE_BYTES] if is_adobe else segment.body[: _JFIF_BYTES - 2] + bytes(2)
    if body == segment.body:
        return segment
    if is_adobe:
        dropped.add(MetadataGroup.OTHER, UNUSED_BYTES)
    else:
        _note(dropped, segment)
    return Segment(segment.marker, body)


def _is_jfif(segment: Segment) -> bool:
    is_long_enough = len(segment.body) >= _JFIF_BYTES
    return segment.marker == _APP0 and is_long_enough and segment.body.startswith(b"JFIF\0")


def _is_adobe(segment: Segment) -> bool:
    is_long_enough = len(segment.body) >= _ADOBE_BYTES
    return segment.marker == _APP14 and is_long_enough and segment.body.startswith(b"Adobe")


def _is_profile(segment: Segment) -> bool:
    return segment.marker == _APP2 and segment.body.startswith(_PROFILE)


def _profile_of(segments: list[Segment]) -> bytes:
    """Return the profile that lies in numbered segments (ICC.1, annex B.4), in whatever order.

    b"" where one is missing: then decoders have none either.
    """
    parts = [each.body[len(_PROFILE) :] for each in segments if _is_profile(each)]
    numbered = {part[0]: part[2:] for part in parts if len(part) >= 2}
    if len(numbered) != len(parts) or any(part[1] != len(parts) for part in parts):
        return b""
    return b"".join(numbered.get(n, b"") for n in range(1, len(parts) + 1))


def _profile_segments(profile: bytes) -> Iterator[Segment]:
    parts = [profile[n : n + _PROFILE_BYTES] for n in range(0, len(profile), _PROFILE_BYTES)]
    for number, part in enumerate(parts, 1):
        yield Segment(_APP2, _PROFILE + bytes([number, len(parts)]) + part)


def _note_rest(rest: bytes, dropped: Dropped) -> None:
    """Note what follows the last scan but for the end marker."""
    marker = _MARKER.match(rest)
    has_end = marker is not None and marker[1][0] == EOI
    dropped.add_trailer(rest[marker.end() :] if marker and has_end else rest)


def _note(dropped: Dropped, segment: Segment) -> None:
    marker, body = segment.marker, segment.body
    name, _, rest = body.partition(b"\0")
    if marker == _APP1 and name == b"Exif":
        dropped.add_exif(body)
    elif marker == _APP1 and name.startswith(b"http://ns.adobe.com/"):
        dropped.add_xmp(rest)
    elif marker == _APP13 and name.startswith(b"Photoshop"):
        dropped.add_photoshop(rest)
    else:
        dropped.add(*_named(marker, name))


def _named(marker: int, name: bytes) -> tuple[MetadataGroup, str]:
    if marker == _COM:
        return MetadataGroup.TEXT, "comment"
    if marker == _APP2 and name == b"MPF":
        return MetadataGroup.PICTURE, "index of further pictures (MPF)"
    if marker == _APP0:
        return MetadataGroup.PREVIEW, f"{name[:4].decode(errors='replace')} thumbnail"
    if marker in _APPLICATIONS:
        named = name[:20].decode(errors="replace")
        return MetadataGroup.OTHER, f"application segment {marker - _APP0} {named}"
    return MetadataGroup.OTHER, UNUSED_BYTES
