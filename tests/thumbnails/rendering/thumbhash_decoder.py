"""What a client draws from a ThumbHash: its authors' decoder, by numpy."""

from base64 import b64decode

import numpy as np
from PIL import Image


def read_thumbhash(thumbhash: str) -> tuple[int, int, list[int]]:
    """Return the header's three bytes, its two, and all that follows by four bits."""
    data = b64decode(thumbhash)
    head, shape = int.from_bytes(data[:3], "little"), int.from_bytes(data[3:5], "little")
    return head, shape, [part for byte in data[5:] for part in (byte & 15, byte >> 4)]


def draw_thumbhash(thumbhash: str) -> Image.Image:
    """Return the placeholder in RGBA, 32 pixels at its longer side."""
    head, shape, rest = read_thumbhash(thumbhash)
    is_transparent = bool(head >> 23)
    long, short = 5 if is_transparent else 7, shape & 7
    across, down = (long, short) if shape >> 15 else (short, long)
    width, height = (
        (32, round(32 * short / long)) if across > down else (round(32 * across / down), 32)
    )
    nibbles = iter(rest)
    opacity = (next(nibbles) / 15, next(nibbles) / 15) if is_transparent else (1.0, 0.0)
    x, y = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height

    def channel(middle: float, scale: float, across: int, down: int) -> np.ndarray:
        values = np.full((height, width), middle)
        for cy in range(down):
            for cx in range(0 if cy else 1, across):
                if cx * down < across * (down - cy):
                    waves = np.outer(np.cos(np.pi * cy * y), np.cos(np.pi * cx * x))
                    values += (next(nibbles) / 7.5 - 1) * scale * 2 * waves
        return values

    light = channel((head & 63) / 63, (head >> 18 & 31) / 31, max(3, across), max(3, down))
    yellow = channel((head >> 6 & 63) / 31.5 - 1, (shape >> 3 & 63) / 63 * 1.25, 3, 3)
    red = channel((head >> 12 & 63) / 31.5 - 1, (shape >> 9 & 63) / 63 * 1.25, 3, 3)
    alpha = channel(*opacity, 5, 5) if is_transparent else np.ones((height, width))
    b = light - 2 / 3 * yellow
    r = (3 * light - b + red) / 2
    bands = np.stack([r, r - red, b, alpha], axis=2)
    return Image.fromarray(np.uint8(np.clip(bands * 255, 0, 255).round()))
