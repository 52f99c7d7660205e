"""How a rendering becomes a file: JPEG, PNG or GIF, and WebP beside it where that is smaller."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Measured with 12-megapixel photographs at heights 400 and 200: WebP at effort 2 costs a quarter of
# what decoding and reducing costs and saves 13 to 25 % of the JPEG's bytes; 4, libvips' default,
# costs a half and saves 2 to 5 % more.
_WEBP_EFFORT = 2
# What libwebp takes (WEBP_MAX_DIMENSION).
_WEBP_LONGEST_SIDE = 16_383
# In all frames. WebP takes half a second for as many, of the ten that a picture has, and 50 MB.
_SMALL_PIXELS = 12_000_000
# libvips' default of 7 takes four times as long for 4 % fewer bytes: 40 frames of 533×400 took 8 of
# the 10 seconds that a picture has.
_GIF_EFFORT = 1
_WHITE = [255, 255, 255]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A thumbnail as a file: `height` as it was asked for, `width_px` and `height_px` as it is."""

    height: int
    width_px: int
    height_px: int
    path: Path
    content_type: str
    extension: str
    bytes: int
    webp: Path | None
    webp_bytes: int


def write_still(image: Any, height: int, into: Path, quality: int) -> Rendered:
    """Write a still picture: PNG where something shows through, else JPEG."""
    if image.hasalpha() and _shows_through(image):
        path = into / f"{height}.png"
        image.pngsave(str(path), compression=6, keep="none")
        return _rendered(path, height, image, "image/png", quality)
    path, opaque = into / f"{height}.jpg", on_white(image)
    opaque.jpegsave(str(path), Q=quality, optimize_coding=True, keep="none")
    return _rendered(path, height, opaque, "image/jpeg", quality)


def write_animation(strip: Any, height: int, into: Path, quality: int, name: str) -> Rendered:
    """Write an animation in its own format (GIF or WEBP); a small strip must lie in memory."""
    if name == "WEBP":
        path = into / f"{height}.webp"
        _save_webp(strip, path, quality)
        return _rendered(path, height, strip, "image/webp", None)
    path = into / f"{height}.gif"
    strip.gifsave(str(path), effort=_GIF_EFFORT, keep="none")
    return _rendered(path, height, strip, "image/gif", quality)


def is_small(image: Any) -> bool:
    """Tell whether a picture with all its frames may lie in memory and be written twice."""
    return bool(image.width * image.height <= _SMALL_PIXELS)


def on_white(image: Any) -> Any:
    """Return an opaque picture."""
    return image.flatten(background=_WHITE) if image.hasalpha() else image


def _shows_through(image: Any) -> bool:
    return bool(image[image.bands - 1].min() < 255)


def _rendered(path: Path, height: int, image: Any, kind: str, quality: int | None) -> Rendered:
    """Describe a file; with a quality, try to keep it as WebP too."""
    size = path.stat().st_size
    webp = _smaller_webp(image, path, quality, size) if quality else None
    return Rendered(
        height=height,
        width_px=image.width,
        height_px=image.get_page_height(),
        path=path,
        content_type=kind,
        extension=path.suffix.removeprefix("."),
        bytes=size,
        webp=webp,
        webp_bytes=webp.stat().st_size if webp else 0,
    )


def _smaller_webp(image: Any, beside: Path, quality: int, size: int) -> Path | None:
    longest = max(image.width, image.get_page_height())
    if longest > _WEBP_LONGEST_SIDE or not is_small(image):
        return None
    path = beside.with_suffix(".webp")
    _save_webp(image, path, quality)
    if path.stat().st_size < size:
        return path
    path.unlink()
    return None


def _save_webp(image: Any, path: Path, quality: int) -> None:
    image.webpsave(str(path), Q=quality, effort=_WEBP_EFFORT, keep="none")
