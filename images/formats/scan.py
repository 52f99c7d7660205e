"""Scans of a file's structure that decode nothing: JPEG's scans, GIF's frames, WebP's canvas.

Each takes a few milliseconds and stops as soon as a limit is passed. What cannot be followed is
left to the decoder, which is stricter; nothing is raised.
"""

import mmap
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

Buffer = bytes | mmap.mmap

# In entropy-coded data 0xFF stands before 00 (stuffing), D0-D7 (restart) or FF (fill) only.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# What it takes a millisecond to look through.
_LONG_WAY = 256 * 1024
SOS, EOI, _SOI, _APP1 = 0xDA, 0xD9, 0xD8, 0xE1
# Reserved for arithmetic coders: the only one besides, in a file, that has no segment behind it.
_TEMPORARY = 0x01
_GIF_IMAGE, _GIF_EXTENSION, _GIF_TRAILER = 0x2C, 0x21, 0x3B
_HOLDERS = {b"RIFF": 4, b"ANMF": 16}
# Between two blocks. Where data is lost there are more, which end a block as a single one does.
_MAX_ZEROS = 5
# Bits of VP8X's first byte, and of a lossless picture's fifth.
_WEBP_ALPHA, _WEBP_ANIMATION, _LOSSLESS_ALPHA = 0x10, 0x02, 0x10
_PIECE_BYTES = 1024**2
_COLOUR_CHUNKS = {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"cLLI": 8, b"mDCV": 24}
_MAX_CHUNKS = 4_000_000


@dataclass(frozen=True, slots=True)
class Canvas:
    """Width, height, number of frames and transparency, as a header states them."""

    width: int
    height: int
    frames: int
    has_alpha: bool


def next_marker(data: Buffer, position: int, end: int | None = None) -> tuple[int, int] | None:
    """Return where the next marker of a JPEG before `end` begins and ends; None if there is none.

    What lies behind the long scans of the file that was asked for last is known.
    """
    found = _next_marker(data, position)
    return None if found is None or (end is not None and found[1] > end) else found


def _next_marker(data: Buffer, position: int) -> tuple[int, int] | None:
    if _Last.data is not data:
        _Last.data, _Last.found = data, {}
    if position in _Last.found:
        return _Last.found[position]
    match = _NEXT_MARKER.search(data, position)
    found = match.span() if match else None
    if (found[0] if found else len(data)) - position > _LONG_WAY:
        _Last.found[position] = found
    return found


class _Last:
    data: Buffer | None = None
    found: ClassVar[dict[int, tuple[int, int] | None]] = {}


def jpeg_segments(data: Buffer, end: int | None = None) -> Iterator[tuple[int, int, int]]:
    """Yield the segments of a JPEG (ITU-T T.81, annex B) up to the end of its first picture.

    Each is its marker's second byte, and where what follows its length begins and ends. One whose
    length cannot be is the last: it ends before its beginning or behind the file. With `end` the
    file is taken to end there.
    """
    position, length = 2, len(data) if end is None else end
    while found := next_marker(data, position, end):
        marker, position = data[found[1] - 1], found[1]
        if marker in {EOI, _SOI}:
            return
        if marker == _TEMPORARY:
            continue
        start = position + 2
        if start > length:
            return
        position += struct.unpack_from(">H", data, position)[0]
        yield marker, start, position
        if not start <= position <= length:
            return


def count_jpeg_scans(data: Buffer, limit: int) -> int:
    """Count the scans of the first picture, up to one more than `limit`."""
    scans = (marker for marker, _, _ in jpeg_segments(data) if marker == SOS)
    return sum(1 for _ in islice(scans, limit + 1))


def exif_of_jpeg(data: Buffer) -> Iterator[bytes]:
    """Yield the blocks of EXIF before the first scan."""
    for marker, start, end in jpeg_segments(data):
        if marker == SOS:
            return
        if marker == _APP1 and data[start : start + 4] == b"Exif":
            yield bytes(data[start:end])


def exif_of_png(data: Buffer) -> Iterator[bytes]:
    """Yield the blocks of EXIF before the pixels (PNG, third edition)."""
    position, seen = 8, 0
    while position + 8 <= len(data) and seen < _MAX_CHUNKS:
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind in {b"IDAT", b"IEND"}:
            return
        if kind == b"eXIf":
            yield bytes(data[position + 8 : position + 8 + length])
        position, seen = position + 12 + length, seen + 1


def exif_of_webp(data: Buffer) -> Iterator[bytes]:
    """Yield the blocks of EXIF of an extended file (RFC 9649); a simple file has none."""
    if data[12:16] != b"VP8X":
        return
    for kind, start in _riff_chunks(data):
        if kind == b"EXIF":
            yield bytes(data[start : start + struct.unpack_from("<I", data, start - 4)[0]])


def png_chunks(data: Buffer) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each chunk of a PNG, and where its body begins and ends."""
    position, kind = 8, b""
    while kind != b"IEND" and position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        yield kind, position + 8, min(position + 8 + length, len(data))
        position += 12 + length


def png_colours(data: Buffer) -> dict[bytes, bytes]:
    """Return the chunks before the pixels that state colours, where they have their length."""
    found: dict[bytes, bytes] = {}
    for kind, start, end in png_chunks(data):
        if kind == b"IDAT":
            break
        if end - start == _COLOUR_CHUNKS.get(kind):
            found.setdefault(kind, data[start:end])
        elif kind == b"iCCP":
            found[kind] = b""
    return found


def count_text_bytes(data: Buffer, limit: int) -> int:
    """Count what the texts and profiles of a PNG inflate to, up to little more than `limit`."""
    count = 0
    for kind, start, end in png_chunks(data):
        if kind in _COMPRESSED_CHUNKS:
            count += _count_inflated(_COMPRESSED_CHUNKS[kind](data[start:end]), limit - count)
        elif kind == b"tEXt":
            count += end - start
        if count > limit:
            break
    return count


def _compressed_text(body: bytes) -> bytes:
    """Return the compressed text of an iTXt chunk; nothing where it is not compressed."""
    _, _, rest = body.partition(b"\0")
    return rest[2:].split(b"\0", 2)[-1] if rest[:1] == b"\1" else b""


def _compressed_rest(body: bytes) -> bytes:
    """Return what follows a keyword and the method of compression."""
    return body.partition(b"\0")[2][1:]


_COMPRESSED_CHUNKS = {
    b"zTXt": _compressed_rest,
    b"iCCP": _compressed_rest,
    b"iTXt": _compressed_text,
}


def _count_inflated(compressed: bytes, limit: int) -> int:
    """Count in pieces that are thrown away; what is no zlib stream is left to the decoder."""
    inflater, count = zlib.decompressobj(), 0
    with suppress(zlib.error):
        while compressed and count <= limit:
            count += len(inflater.decompress(compressed, _PIECE_BYTES))
            compressed = inflater.unconsumed_tail
    return count


def count_gif_frames(data: Buffer, limit: int) -> tuple[int, bool]:
    """Count the images of a GIF (GIF89a specification), up to one more than `limit`.

    The second value tells whether the end of a block was reached at which the file ends, or the
    limit: else frames are missing. As browsers do, it passes over zeros between blocks.
    """
    frames, position = 0, 13 + (gif_table_bytes(data[10]) if len(data) > 10 else 0)
    while frames <= limit and position < len(data):
        block = data[position]
        if block == _GIF_IMAGE and position + 9 < len(data):
            frames += 1
            position = skip_sub_blocks(data, position + 11 + gif_table_bytes(data[position + 9]))
        elif block == _GIF_EXTENSION:
            position = skip_sub_blocks(data, position + 2)
        elif block == 0 and data[position : position + _MAX_ZEROS].strip(b"\0"):
            position += 1
        elif block == 0 and len(data) - position < _MAX_ZEROS:
            return frames, frames > 0
        else:
            return frames, block == _GIF_TRAILER
    return frames, frames > limit or (frames > 0 and position == len(data))


def gif_table_bytes(flags: int) -> int:
    """Return the length in bytes of the colour table that flags announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def skip_sub_blocks(data: Buffer, position: int) -> int:
    """Return the position behind a GIF's sub-blocks, which begin at one."""
    while position < len(data) and data[position]:
        position += 1 + data[position]
    return position + 1


def webp_canvas(data: Buffer) -> Canvas | None:
    """Read a WebP's canvas and count its frames (RFC 9649) without giving it to a decoder.

    A decoder may allocate the canvas when it opens the file: a 300-byte file can ask for 4 GB.
    """
    width = height = frames = 0
    has_alpha, is_told = False, False
    for kind, start in _riff_chunks(data):
        head = bytes(data[start : start + 10])
        size = _webp_size(kind, head)
        width, height = max(width, size[0]), max(height, size[1])
        frames += kind == b"ANMF"
        if not is_told:
            has_alpha, is_told = _webp_alpha(kind, head, has_alpha)
    return Canvas(width, height, max(frames, 1), has_alpha) if width and height else None


def _webp_alpha(kind: bytes, head: bytes, stated: bool) -> tuple[bool, bool]:  # noqa: FBT001
    """Return whether there is transparency as far as is known, and whether no chunk changes that.

    As libwebp has it: a lossless picture says so itself, whatever the header of its file states.
    """
    if kind == b"VP8X" and head:
        return bool(head[0] & _WEBP_ALPHA), bool(head[0] & _WEBP_ANIMATION)
    if kind == b"VP8L":
        return len(head) > 4 and bool(head[4] & _LOSSLESS_ALPHA), True
    return stated or kind == b"ALPH", kind in {b"ALPH", b"VP8 "}


def cut_webp(data: Buffer, end: int) -> bytes:
    """Return a WebP that ends earlier, with the lengths of what encloses its end."""
    file, position, limit = bytearray(data[:end]), 0, end
    while position + 8 <= limit:
        kind, length = bytes(file[position : position + 4]), _u32(file, position + 4)
        body, following = position + 8, position + 8 + length + length % 2
        if following < end:
            position = following
            continue
        struct.pack_into("<I", file, position + 4, end - body)
        # What RIFF and a frame hold are chunks in their turn, behind a few bytes of their own.
        if kind not in _HOLDERS:
            break
        position = body + _HOLDERS[kind]
    return bytes(file) + b"\0" * (end % 2)


def _riff_chunks(data: Buffer) -> Iterator[tuple[bytes, int]]:
    position, seen = 12, 0
    while position + 8 <= len(data) and seen < _MAX_CHUNKS:
        kind, length = struct.unpack_from("<4sI", data, position)
        yield kind, position + 8
        position, seen = position + 8 + length + length % 2, seen + 1


def _webp_size(kind: bytes, head: bytes) -> tuple[int, int]:
    if len(head) < 10:
        return 0, 0
    if kind == b"VP8X":
        return _u24(head, 4) + 1, _u24(head, 7) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def _u32(data: bytearray, start: int) -> int:
    return int.from_bytes(data[start : start + 4], "little")


def _u24(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 3], "little")
