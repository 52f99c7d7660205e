"""Thumbnails encoded: JPEG, PNG or GIF, and a WebP beside where that is smaller."""

from dataclasses import dataclass
from typing import Any

from images.formats.registry import FORMATS, Format

# Measured with 12-megapixel photographs at heights 400 and 200: WebP at effort 2 costs a quarter of
# what decoding and resizing costs and saves 13 to 25 % of the JPEG's bytes; 4, libvips' default,
# costs a half and saves 2 to 5 % more.
_WEBP_EFFORT = 2
# What libwebp takes (WEBP_MAX_DIMENSION).
_MAX_WEBP_SIDE = 16_383
# In all frames. WebP takes half a second for as many, of the ten that a picture has, and 50 MB.
_MAX_PIXELS_IN_MEMORY = 12_000_000
# libvips' default of 7 takes four times as long for 4 % fewer bytes: 40 frames of 533×400 took 8 of
# the 10 seconds that a picture has.
_GIF_EFFORT = 1
_WHITE = [255, 255, 255]
_JPEG, _PNG, _WEBP = (FORMATS[name] for name in ("JPEG", "PNG", "WEBP"))


@dataclass(frozen=True, slots=True)
class Encoded:
    """A thumbnail: `height` as it was asked for, `width_px` and `height_px` as it is."""

    height: int
    width_px: int
    height_px: int
    format: Format
    content: bytes
    webp: bytes | None


def encode_still(image: Any, height: int, quality: int) -> Encoded:
    """Encode a still picture: as PNG where something is translucent, else as JPEG."""
    if image.hasalpha() and _is_translucent(image):
        content = image.pngsave_buffer(compression=6, keep="none")
        return _describe(content, height, image, _PNG, quality)
    opaque = flatten_on_white(image)
    return _describe(encode_jpeg(opaque, quality), height, opaque, _JPEG, quality)


def encode_jpeg(opaque: Any, quality: int) -> bytes:
    """Encode a picture without transparency."""
    return bytes(opaque.jpegsave_buffer(Q=quality, optimize_coding=True, keep="none"))


def encode_animation(strip: Any, height: int, quality: int, fmt: Format) -> Encoded:
    """Encode an animation as WebP or GIF; a strip that fits in memory must lie there."""
    if fmt == _WEBP:
        return _describe(_encode_webp(strip, quality), height, strip, fmt, None)
    content = strip.gifsave_buffer(effort=_GIF_EFFORT, keep="none")
    return _describe(content, height, strip, fmt, quality)


def fits_in_memory(image: Any) -> bool:
    """Tell whether a picture, with all its frames, may be held in memory and written twice."""
    return bool(image.width * image.height <= _MAX_PIXELS_IN_MEMORY)


def flatten_on_white(image: Any) -> Any:
    """Return an opaque picture."""
    return image.flatten(background=_WHITE) if image.hasalpha() else image


def _is_translucent(image: Any) -> bool:
    return bool(image[image.bands - 1].min() < 255)


def _describe(content: bytes, height: int, image: Any, fmt: Format, quality: int | None) -> Encoded:
    """Describe what was encoded; with a quality, also encode a WebP if that is smaller."""
    webp = _encode_smaller_webp(image, quality, len(content)) if quality else None
    return Encoded(height, image.width, image.get_page_height(), fmt, content, webp)


def _encode_smaller_webp(image: Any, quality: int, size: int) -> bytes | None:
    longest = max(image.width, image.get_page_height())
    if longest > _MAX_WEBP_SIDE or not fits_in_memory(image):
        return None
    webp = _encode_webp(image, quality)
    return webp if len(webp) < size else None


def _encode_webp(image: Any, quality: int) -> bytes:
    return bytes(image.webpsave_buffer(Q=quality, effort=_WEBP_EFFORT, keep="none"))
