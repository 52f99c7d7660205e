"""ThumbHashes (evanw.github.io/thumbhash): made of pixels, and drawn for pages without scripts.

It is arithmetic on a few pixels, and on 25 bytes.
"""

import struct
import zlib
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, reduce
from math import cos, floor, pi
from operator import add, mul

# A channel's mean, its waves from -1 to 1, and the factor that they were divided by.
Waves = tuple[float, list[float], float]

# Pixels of the longer side; there are seven waves at most, and browsers smooth what they enlarge.
_SIDE = 32


def make_thumbhash(width: int, height: int, rgba: Sequence[int]) -> bytes:
    """Return the ThumbHash of pixels: red, green, blue and alpha of each, from 0 to 255."""
    red, green, blue, alpha = ([value / 255 for value in rgba[band::4]] for band in range(4))
    visible, pixels = _sum(alpha), width * height
    is_transparent = visible < pixels
    if is_transparent:
        red, green, blue = (_lay_on_mean(band, alpha, visible) for band in (red, green, blue))
    light = [(r + g + b) / 3 for r, g, b in zip(red, green, blue, strict=True)]
    yellow = [(r + g) / 2 - b for r, g, b in zip(red, green, blue, strict=True)]
    redness = [r - g for r, g in zip(red, green, strict=True)]
    limit, longest = (5 if is_transparent else 7), max(width, height)
    across, down = (max(1, _round(limit * side / longest)) for side in (width, height))
    bright = _find_waves(light, width, max(3, across), max(3, down))
    by, rg = (_find_waves(band, width, 3, 3) for band in (yellow, redness))
    head = _round(63 * bright[0]) | _round(31.5 + 31.5 * by[0]) << 6
    head |= _round(31.5 + 31.5 * rg[0]) << 12 | _round(31 * bright[2]) << 18 | is_transparent << 23
    shape = (down if width > height else across) | _round(63 * by[2]) << 3
    shape |= _round(63 * rg[2]) << 9 | (width > height) << 15
    nibbles = [_round(7.5 + 7.5 * wave) for each in (bright, by, rg) for wave in each[1]]
    if is_transparent:
        middle, waves, scale = _find_waves(alpha, width, 5, 5)
        nibbles[:0] = [_round(15 * middle), _round(15 * scale)]
        nibbles += [_round(7.5 + 7.5 * wave) for wave in waves]
    nibbles += [0] * (len(nibbles) % 2)
    pairs = zip(nibbles[::2], nibbles[1::2], strict=True)
    packed = bytes(low | high << 4 for low, high in pairs)
    return head.to_bytes(3, "little") + shape.to_bytes(2, "little") + packed


def _lay_on_mean(band: list[float], alpha: list[float], visible: float) -> list[float]:
    """Lay a colour on its mean over what is visible."""
    mean = _sum(map(mul, band, alpha)) / visible if visible else 0.0
    return [mean * (1 - opaque) + value * opaque for value, opaque in zip(band, alpha, strict=True)]


def _find_waves(channel: list[float], width: int, across: int, down: int) -> Waves:
    """Return the mean, the waves by their size, and the largest of them (a cosine transform)."""
    height = len(channel) // width
    columns, rows = _cosines(across, width), _cosines(down, height)
    lines = [channel[at : at + width] for at in range(0, len(channel), width)]
    # By a wave's number across, what each row has of it.
    shares = [[_sum(map(mul, line, column)) for line in lines] for column in columns]
    found = [
        _sum(map(mul, shares[x], rows[y])) / len(channel)
        for y in range(down)
        for x in range(across)
        if x * down < across * (down - y)
    ]
    middle, *waves = found
    scale = max(map(abs, waves))
    return middle, [wave / scale if scale else -1.0 for wave in waves], scale


def _cosines(count: int, side: int) -> list[list[float]]:
    return [[cos(pi / side * n * (at + 0.5)) for at in range(side)] for n in range(count)]


def _sum(values: Iterable[float]) -> float:
    """Add one after the other: since Python 3.12 `sum` rounds better than the authors' program."""
    return reduce(add, values, 0.0)


def _round(value: float) -> int:
    """Round halves up, as JavaScript does."""
    return floor(value + 0.5)


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
        values += [middle + _sum(map(mul, row, at)) for at in across]
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
