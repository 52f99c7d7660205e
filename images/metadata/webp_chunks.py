"""The chunks of a WebP (RFC 9649); an animation's frames are chunks within chunks."""

import struct
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pyvips

from images.formats.errors import require
from images.formats.exif import UPRIGHT, orientation_exif
from images.formats.metadata_groups import MetadataGroup
from images.metadata.dropped import UNUSED_BYTES, Dropped
from images.metadata.icc_profiles import strip_profile
from images.metadata.unused_tails import pixels_of, without_unused_tail

_VP8X, _ALPHA, _LOSSY, _LOSSLESS = b"VP8X", b"ALPH", b"VP8 ", b"VP8L"
_PIXELS = (_LOSSY, _LOSSLESS)
_HAS_PROFILE, _HAS_ALPHA, _HAS_EXIF, _HAS_XMP = 0x20, 0x10, 0x08, 0x04
_EXTENDED_BYTES, _ANIMATION_BYTES, _FRAME_HEADER = 10, 6, 16
_Chunk = tuple[bytes, bytes]
_StripPixels = Callable[[list[_Chunk]], Iterator[_Chunk]]


def strip_webp(
    data: bytes, orientation: int, dropped: Dropped, *, keeps_tails: bool = False
) -> Iterator[bytes]:
    """Yield the stripped file; raises BrokenStructure or struct.error.

    With `keeps_tails` what no decoder reads of coded pixels stays, which takes decodes to find.
    """
    require(data[:4] == b"RIFF" and data[8:12] == b"WEBP", "no RIFF header")
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    require(end <= len(data), "a file shorter than its header says")
    found = list(_chunks(data[:end], 12))
    dropped.add_trailer(data[end:])
    strip_pixels = _keep_pixels if keeps_tails else partial(_strip_pixels, dropped=dropped)
    kept = dict(_strip_chunks(found, dropped, strip_pixels))
    frames = [_strip_frame(body, dropped, strip_pixels) for kind, body in found if kind == b"ANMF"]
    body = b"".join(_written(kept, frames, orientation))
    yield b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _written(kept: dict[bytes, bytes], frames: list[bytes], orientation: int) -> Iterator[bytes]:
    """Yield the chunks in the order of the standard."""
    is_extended = _VP8X in kept
    if is_extended:
        flags = kept[_VP8X][0] & ~(_HAS_EXIF | _HAS_XMP | _HAS_PROFILE)
        flags |= _HAS_EXIF if orientation != UPRIGHT else 0
        flags |= _HAS_PROFILE if b"ICCP" in kept else 0
        yield _chunk(_VP8X, bytes([flags]) + kept[_VP8X][1:_EXTENDED_BYTES])
    for kind in (b"ICCP", b"ANIM"):
        if kind in kept and is_extended:
            yield _chunk(kind, kept[kind])
    yield from (_chunk(b"ANMF", frame) for frame in frames if is_extended)
    if not frames:
        yield from _picture(kept)
    if orientation != UPRIGHT:
        yield _chunk(b"EXIF", orientation_exif(orientation))


def _picture(kept: dict[bytes, bytes]) -> Iterator[bytes]:
    kind = next((kind for kind in _PIXELS if kind in kept), b"")
    require(bool(kind), "no pixels")
    if kind == _LOSSY and _ALPHA in kept:
        yield _chunk(_ALPHA, kept[_ALPHA])
    yield _chunk(kind, kept[kind])


def _strip_chunks(
    chunks: Iterable[_Chunk], dropped: Dropped, strip_pixels: _StripPixels
) -> Iterator[_Chunk]:
    """Yield what stays but for frames, each kind once."""
    seen: set[bytes] = set()
    pixels = []
    for kind, body in chunks:
        if kind in seen or kind == b"ANMF":
            if kind in seen:
                _note(dropped, kind, body)
        elif kind in {*_PIXELS, _ALPHA}:
            pixels.append((kind, body))
        elif kind == _VP8X and not seen and not pixels:
            yield kind, body
        elif kind == b"ANIM":
            yield kind, body[:_ANIMATION_BYTES]
        elif kind == b"ICCP" and (stripped := _strip_profile(body, dropped)):
            yield kind, stripped
        else:
            _note(dropped, kind, body)
        seen.add(kind)
    yield from strip_pixels(pixels)


def _strip_profile(profile: bytes, dropped: Dropped) -> bytes:
    stripped = strip_profile(profile)
    if stripped != profile:
        dropped.add(MetadataGroup.PROFILE, "what colour does not need")
    return stripped


def _strip_frame(frame: bytes, dropped: Dropped, strip_pixels: _StripPixels) -> bytes:
    """Return a frame with its pixels alone."""
    found = list(_chunks(frame, _FRAME_HEADER))
    pixels = [each for each in found if each[0] in {*_PIXELS, _ALPHA}]
    for kind, body in found:
        if (kind, body) not in pixels:
            _note(dropped, kind, body)
    kept = dict(strip_pixels(pixels))
    return frame[:_FRAME_HEADER] + b"".join(_picture(kept))


def _keep_pixels(chunks: list[_Chunk]) -> Iterator[_Chunk]:
    """Yield the first chunk of each kind."""
    yield from dict(reversed(chunks)).items()


def _strip_pixels(chunks: list[_Chunk], dropped: Dropped) -> Iterator[_Chunk]:
    """Yield coded pixels without what their decoder does not read."""
    given = dict(reversed(chunks))
    for kind, body in given.items():
        stripped = without_unused_tail(body, partial(_decode_with, given, kind))
        if stripped != body:
            dropped.add(MetadataGroup.OTHER, UNUSED_BYTES)
        yield kind, stripped


def _decode_with(given: dict[bytes, bytes], kind: bytes, content: bytes) -> bytes:
    """Return a hash of a picture's pixels with another chunk of a kind; b"" where it has none."""
    kept = given | {kind: content}
    size = _size_of(kept)
    flags = _HAS_ALPHA if _ALPHA in kept else 0
    sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
    extended = bytes([flags, 0, 0, 0]) + sides
    body = b"".join(_written({**kept, _VP8X: extended}, [], UPRIGHT))
    file = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    return pixels_of(file, pyvips.Image.webpload_buffer, fail_on="warning")


def _size_of(kept: dict[bytes, bytes]) -> tuple[int, int]:
    if _LOSSY in kept:
        width, height = struct.unpack_from("<HH", kept[_LOSSY], 6)
        return width & 0x3FFF or 1, height & 0x3FFF or 1
    bits = int.from_bytes(kept.get(_LOSSLESS, b"")[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _note(dropped: Dropped, kind: bytes, body: bytes) -> None:
    if kind == b"EXIF":
        dropped.add_exif(body)
    elif kind == b"XMP ":
        dropped.add_xmp(body)
    else:
        dropped.add(MetadataGroup.OTHER, f"{kind.decode('latin-1')} chunk")


def _chunks(data: bytes, position: int) -> Iterator[_Chunk]:
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        start = position + 8
        require(start + length <= len(data), "a chunk longer than the file")
        yield kind, data[start : start + length]
        position = start + length + length % 2


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
