"""From a picture to smaller ones: pure, one decode, each made from the next larger.

What is made is upright, sRGB, and carries no metadata.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyvips

from thumbnails.reducing import ANY_WIDTH, format_of, reduced

QUALITY = 80
_ANIMATED = frozenset({"GIF", "WEBP"})
_WHITE = [255, 255, 255]


class RenderingFailed(Exception):
    """A picture that cannot be rendered; the text is for people."""


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


def render(
    source: Path, heights: Sequence[int], into: Path, *, quality: int = QUALITY
) -> list[Rendered]:
    """Write one file for each height (pixels) into a folder; raises RenderingFailed.

    A picture that is less high is not enlarged. Animated GIF and WebP stay animated; transparency
    is kept as PNG; everything else becomes JPEG.
    """
    try:
        return _cascade(source, sorted(heights, reverse=True), into, quality)
    except Exception as error:  # besides its own, pyvips raises on messages that are no UTF-8
        raise RenderingFailed("The picture cannot be decoded.") from error


def render_jpeg(
    source: Path, target: Path, *, width: int | None = None, quality: int = 85
) -> tuple[int, int]:
    """Write the first frame as JPEG, fit to a width (pixels) and never enlarged, on white.

    Returns its width and height; raises RenderingFailed.
    """
    try:
        image = _on_white(reduced(source, width=width or ANY_WIDTH))
        image.jpegsave(str(target), Q=quality, optimize_coding=True, keep="none")
    except Exception as error:  # besides its own, pyvips raises on messages that are no UTF-8
        raise RenderingFailed("The picture cannot be decoded.") from error
    return image.width, image.height


def _cascade(source: Path, heights: list[int], into: Path, quality: int) -> list[Rendered]:
    if not heights:
        return []
    if _is_animated(source):
        return [_animated(source, height, into, quality) for height in heights]
    image = reduced(source, height=heights[0]).copy_memory()
    made = []
    for height in heights:
        if image.height > height:
            image = _smaller(image, height).copy_memory()
        made.append(_still(image, height, into, quality))
    return made


def _smaller(image: Any, height: int) -> Any:
    return image.thumbnail_image(ANY_WIDTH, height=height, size="down")


def _on_white(image: Any) -> Any:
    return image.flatten(background=_WHITE) if image.hasalpha() else image


def _still(image: Any, height: int, into: Path, quality: int) -> Rendered:
    """Write a still picture: PNG where something shows through, else JPEG."""
    if image.hasalpha() and _shows_through(image):
        path = into / f"{height}.png"
        image.pngsave(str(path), compression=6, keep="none")
        return _rendered(path, height, image.width, image.height, "image/png")
    path = into / f"{height}.jpg"
    _on_white(image).jpegsave(str(path), Q=quality, optimize_coding=True, keep="none")
    return _rendered(path, height, image.width, image.height, "image/jpeg")


def _shows_through(image: Any) -> bool:
    return bool(image[image.bands - 1].min() < 255)


def _is_animated(source: Path) -> bool:
    name = format_of(source)
    if name not in _ANIMATED:
        return False
    image = pyvips.Image.new_from_file(str(source))
    return "n-pages" in image.get_fields() and image.get("n-pages") > 1


def _animated(source: Path, height: int, into: Path, quality: int) -> Rendered:
    """Reduce every frame, keeping delays and loop; libvips holds the frames as one tall strip."""
    name = format_of(source)
    image = pyvips.Image.thumbnail(
        f"{source}[n=-1]", ANY_WIDTH, height=height, size="down", fail_on="truncated"
    )
    size = image.width, image.get_page_height()
    if name == "GIF":
        path = into / f"{height}.gif"
        image.gifsave(str(path), keep="none")
        return _rendered(path, height, *size, "image/gif")
    path = into / f"{height}.webp"
    image.webpsave(str(path), Q=quality, keep="none")
    return _rendered(path, height, *size, "image/webp")


def _rendered(path: Path, height: int, width_px: int, height_px: int, kind: str) -> Rendered:
    extension = path.suffix.removeprefix(".")
    return Rendered(height, width_px, height_px, path, kind, extension, path.stat().st_size)
