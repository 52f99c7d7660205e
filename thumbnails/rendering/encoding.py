"""Thumbnails encoded: JPEG, PNG or GIF, and beside them WebP and AVIF where those are smaller."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from images.formats.registry import FORMATS, Format

# As sharp has it. Of photographs 400 pixels high at equal likeness (`./dev bench bytes`), 2 takes
# half of the time for 9 % more bytes, 3 as much time as 4.
_WEBP_EFFORT = 4
# Saves 15 % of the WebP's bytes for 1.9 times its time; 2 saves 18 % for three times, 0 saves 9 %
# for 0.6 times.
_AVIF_OPTIONS = {"compression": "av1", "effort": 1, "tune": "ssim"}
# Of all thumbnails of a picture: they take a second, of the ten that it has.
_MAX_AVIF_PIXELS = 4_000_000
# What libwebp takes (WEBP_MAX_DIMENSION).
_MAX_WEBP_SIDE = 16_383
# In all frames. WebP takes a second for as many, of the ten that a picture has, and 50 MB.
_MAX_PIXELS_IN_MEMORY = 12_000_000
# libvips' default of 7 takes four times as long for 4 % fewer bytes: 40 frames of 533×400 took 8 of
# the 10 seconds that a picture has.
_GIF_EFFORT = 1
_WHITE = [255, 255, 255]
_JPEG, _PNG, _WEBP = (FORMATS[name] for name in ("JPEG", "PNG", "WEBP"))
# Qualities of our scale, which is JPEG's and WebP's, and those of AVIF that look alike.
_AVIF_QUALITIES = ((0, 25), (60, 53), (80, 64), (95, 90), (100, 100))


@dataclass(frozen=True, slots=True)
class Encoded:
    """A thumbnail: `height` as it was asked for, `width_px` and `height_px` as it is."""

    height: int
    width_px: int
    height_px: int
    format: Format
    content: bytes
    webp: bytes | None = None
    avif: bytes | None = None


def heights_with_avif(image: Any, heights: Sequence[int]) -> set[int]:
    """Return the heights at which a still picture may be an AVIF too: the lowest, by their time."""
    found, pixels = set(), 0.0
    for height in sorted(heights):
        shown = min(height, image.height)
        pixels += shown * shown * image.width / image.height
        if pixels <= _MAX_AVIF_PIXELS:
            found.add(height)
    return found


def encode_still(image: Any, height: int, quality: int) -> Encoded:
    """Encode a still picture: as PNG where something is translucent, else as JPEG."""
    if image.hasalpha() and _is_translucent(image):
        content = image.pngsave_buffer(compression=6, keep="none")
        return _describe(content, height, image, _PNG)
    opaque = flatten_on_white(image)
    return _describe(encode_jpeg(opaque, quality), height, opaque, _JPEG)


def encode_beside(
    image: Any, quality: int, *, smaller_than: int, may_be_avif: bool
) -> tuple[bytes | None, bytes | None]:
    """Return what lies beside a still picture of so many bytes: a WebP, and an AVIF of one opaque.

    Each is smaller than what comes before it, or None.
    """
    is_opaque = not (image.hasalpha() and _is_translucent(image))
    shown = flatten_on_white(image) if is_opaque else image
    webp = _smaller_webp(shown, quality, smaller_than)
    if webp is None or not (is_opaque and may_be_avif):
        return webp, None
    avif = encode_avif(shown, quality)
    return webp, avif if len(avif) < len(webp) else None


def encode_jpeg(opaque: Any, quality: int) -> bytes:
    """Encode a picture without transparency."""
    return bytes(opaque.jpegsave_buffer(Q=quality, optimize_coding=True, keep="none"))


def encode_animation(strip: Any, height: int, quality: int, fmt: Format) -> Encoded:
    """Encode an animation as WebP or GIF; a strip that fits in memory must lie there."""
    if fmt == _WEBP:
        return _describe(encode_webp(strip, quality), height, strip, fmt)
    content = strip.gifsave_buffer(effort=_GIF_EFFORT, keep="none")
    encoded = _describe(content, height, strip, fmt)
    return replace(encoded, webp=_smaller_webp(strip, quality, len(content)))


def fits_in_memory(image: Any) -> bool:
    """Tell whether a picture, with all its frames, may be held in memory and written twice."""
    return bool(image.width * image.height <= _MAX_PIXELS_IN_MEMORY)


def flatten_on_white(image: Any) -> Any:
    """Return an opaque picture."""
    return image.flatten(background=_WHITE) if image.hasalpha() else image


def _is_translucent(image: Any) -> bool:
    return bool(image[image.bands - 1].min() < 255)


def encode_webp(image: Any, quality: int) -> bytes:
    """Encode a picture, or an animation, as WebP."""
    return bytes(image.webpsave_buffer(Q=quality, effort=_WEBP_EFFORT, keep="none"))


def encode_avif(opaque: Any, quality: int) -> bytes:
    """Encode a picture without transparency as AVIF."""
    q = _avif_quality(quality)
    return bytes(opaque.heifsave_buffer(Q=q, keep="none", **_AVIF_OPTIONS))


def _describe(content: bytes, height: int, image: Any, fmt: Format) -> Encoded:
    return Encoded(height, image.width, image.get_page_height(), fmt, content)


def _smaller_webp(image: Any, quality: int, smaller_than: int) -> bytes | None:
    longest = max(image.width, image.get_page_height())
    if longest > _MAX_WEBP_SIDE or not fits_in_memory(image):
        return None
    webp = encode_webp(image, quality)
    return webp if len(webp) < smaller_than else None


def _avif_quality(quality: int) -> int:
    for (low, first), (high, last) in pairwise(_AVIF_QUALITIES):
        if quality <= high:
            return round(first + (quality - low) * (last - first) / (high - low))
    return quality
