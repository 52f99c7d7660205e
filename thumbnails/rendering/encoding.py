"""Thumbnails as files: JPEG, PNG or GIF, and a WebP beside where that is smaller."""

from pathlib import Path
from typing import Any

from images.formats.registry import FORMATS, Format
from thumbnails.renderings import RenderedFile

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


def write_still(image: Any, height: int, into: Path, quality: int) -> RenderedFile:
    """Write a still picture: PNG where something is translucent, else JPEG."""
    if image.hasalpha() and _is_translucent(image):
        path = _path(into, height, _PNG)
        image.pngsave(str(path), compression=6, keep="none")
        return _describe(path, height, image, _PNG, quality)
    path, opaque = _path(into, height, _JPEG), flatten_on_white(image)
    opaque.jpegsave(str(path), Q=quality, optimize_coding=True, keep="none")
    return _describe(path, height, opaque, _JPEG, quality)


def write_animation(strip: Any, height: int, into: Path, quality: int, fmt: Format) -> RenderedFile:
    """Write an animation as WebP or GIF; a strip that fits in memory must lie there."""
    path = _path(into, height, fmt)
    if fmt == _WEBP:
        _save_webp(strip, path, quality)
        return _describe(path, height, strip, fmt, None)
    strip.gifsave(str(path), effort=_GIF_EFFORT, keep="none")
    return _describe(path, height, strip, fmt, quality)


def fits_in_memory(image: Any) -> bool:
    """Tell whether a picture, with all its frames, may be held in memory and written twice."""
    return bool(image.width * image.height <= _MAX_PIXELS_IN_MEMORY)


def flatten_on_white(image: Any) -> Any:
    """Return an opaque picture."""
    return image.flatten(background=_WHITE) if image.hasalpha() else image


def _path(into: Path, height: int, fmt: Format) -> Path:
    return into / f"{height}.{fmt.extension}"


def _is_translucent(image: Any) -> bool:
    return bool(image[image.bands - 1].min() < 255)


def _describe(
    path: Path, height: int, image: Any, fmt: Format, quality: int | None
) -> RenderedFile:
    """Describe a written file; with a quality, also write a WebP beside it if that is smaller."""
    size = path.stat().st_size
    webp = _write_smaller_webp(image, path, quality, size) if quality else None
    return RenderedFile(
        height=height,
        width_px=image.width,
        height_px=image.get_page_height(),
        path=path,
        content_type=fmt.content_type,
        extension=fmt.extension,
        bytes=size,
        webp=webp,
        webp_bytes=webp.stat().st_size if webp else 0,
    )


def _write_smaller_webp(image: Any, beside: Path, quality: int, size: int) -> Path | None:
    longest = max(image.width, image.get_page_height())
    if longest > _MAX_WEBP_SIDE or not fits_in_memory(image):
        return None
    path = beside.with_suffix(f".{_WEBP.extension}")
    _save_webp(image, path, quality)
    if path.stat().st_size < size:
        return path
    path.unlink()
    return None


def _save_webp(image: Any, path: Path, quality: int) -> None:
    image.webpsave(str(path), Q=quality, effort=_WEBP_EFFORT, keep="none")
