"""ThumbHashes (evanw.github.io/thumbhash) as small PNGs, for pages that run no script.

It is arithmetic on 25 bytes of our own; the library that makes them loads decoders of pictures.
"""

import struct
import zlib
from base64 import b64decode
from collections.abc import Iterator
from functools import lru_cache
from math import cos, pi

# Pixels of the longer side; there are seven waves at most, and browsers smooth what they enlarge.
_SIDE = 32


@lru_cache(maxsize=256)
def thumbhash_png(thumbhash: str) -> bytes:
    """Return a PNG of what a ThumbHash in base64 shows, 32 pixels at its longer side."""
    data = b64decode(thumbhash)
    head, shape = int.from_bytes(data[:3], "little"), int.from_bytes(data[3:5], "little")
    nibbles = iter([part for byte in data[5:] for part in (byte & 15, byte >> 4)])
    is_transparent = bool(head >> 23)
    long, short = 5 if is_transparent else 7, max(1, shape & 7)
    across, down = (long, short) if shape >> 15 else (short, long)
    width, height = _fit(across, down)
    opacity = (next(nibbles) / 15, next(nibbles) / 15) if is_transparent else (1.0, 0.0)

    def channel(middle: float, scale: float, across: int, down: int) -> list[float]:
        waves = list(_read_waves(nibbles, scale, across, down))
        return _add_waves(middle, waves, width, height)

    light = channel((head & 63) / 63, (head >> 18 & 31) / 31, max(3, across), max(3, down))
    yellow = channel((head >> 6 & 63) / 31.5 - 1, (shape >> 3 & 63) / 63 * 1.25, 3, 3)
    red = channel((head >> 12 & 63) / 31.5 - 1, (shape >> 9 & 63) / 63 * 1.25, 3, 3)
    alpha = channel(*opacity, 5, 5) if is_transparent else [1.0] * (width * height)
    pixels = bytearray()
    for bright, by, rg, opaque in zip(light, yellow, red, alpha, strict=True):
        blue = bright - 2 / 3 * by
        redness = (3 * bright - blue + rg) / 2
        for value in (redness, redness - rg, blue, opaque):
            pixels.append(round(255 * min(1.0, max(0.0, value))))
    return _write_png(width, height, bytes(pixels))


def _fit(across: int, down: int) -> tuple[int, int]:
    if across > down:
        return _SIDE, max(1, round(_SIDE * down / across))
    return max(1, round(_SIDE * across / down)), _SIDE


def _read_waves(
    nibbles: Iterator[int], scale: float, across: int, down: int
) -> Iterator[tuple[int, int, float]]:
    """Yield each wave's number across and down, and how strong it is."""
    for y in range(down):
        for x in range(0 if y else 1, across):
            if x * down < across * (down - y):
                yield x, y, (next(nibbles) / 7.5 - 1) * scale * 2


def _add_waves(
    middle: float, waves: list[tuple[int, int, float]], width: int, height: int
) -> list[float]:
    """Return a channel's value at every pixel, row by row."""
    columns = max((x for x, _, _ in waves), default=0) + 1
    across = [[cos(pi * x * (px + 0.5) / width) for x in range(columns)] for px in range(width)]
    values = []
    for py in range(height):
        # What a row's waves add up to, by their number across: the same for all of its pixels.
        row = [0.0] * columns
        for x, y, strength in waves:
            row[x] += strength * cos(pi * y * (py + 0.5) / height)
        values += [middle + sum(map(float.__mul__, row, at)) for at in across]
    return values


def _write_png(width: int, height: int, rgba: bytes) -> bytes:
    """Write pixels as a PNG: eight bits, red, green, blue, alpha; no filter."""
    rows = b"".join(b"\0" + rgba[4 * width * y : 4 * width * (y + 1)] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_write_chunk(*each) for each in chunks)


def _write_chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)
