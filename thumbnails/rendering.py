"""From a picture to smaller ones: pure, one decode, each made from the next larger.

What is made is upright, sRGB, and carries no metadata. The smallest gives the picture's impression.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyvips

from thumbnails.encoding import (
    Rendered,
    is_small,
    on_white,
    write_animation,
    write_still,
)
from thumbnails.orientation import each_upright, lies
from thumbnails.placeholders import SIDE, Impression, impression_of
from thumbnails.resizing import (
    ANY_WIDTH,
    format_of,
    reduced,
    to_srgb,
)

QUALITY = 80
_ANIMATED = frozenset({"GIF", "WEBP"})


class RenderingFailed(Exception):
    """A picture that cannot be rendered; the text is for people."""


@dataclass(frozen=True, slots=True)
class Renderings:
    """What came of one picture, largest first."""

    thumbnails: list[Rendered]
    impression: Impression | None


def render(
    source: Path, heights: Sequence[int], into: Path, *, quality: int = QUALITY
) -> Renderings:
    """Write one file for each height (pixels) into a folder; raises RenderingFailed.

    A picture that is less high is not enlarged. Animated GIF and WebP stay animated; transparency
    is kept as PNG; everything else becomes JPEG. Beside it lies a WebP where that is smaller.
    Without heights the impression alone is made.
    """
    cascade = _animations if heights and _is_animated(source) else _stills
    try:
        return cascade(source, sorted(heights, reverse=True), into, quality)
    except Exception as error:  # besides its own, pyvips raises on messages that are no UTF-8
        raise RenderingFailed("The picture cannot be decoded.") from error


def render_jpeg(
    source: Path, target: Path, *, width: int | None = None, quality: int = 85
) -> tuple[int, int]:
    """Write the first frame as JPEG, fit to a width (pixels) and never enlarged, on white.

    Returns its width and height; raises RenderingFailed.
    """
    try:
        image = on_white(reduced(source, width=width or ANY_WIDTH))
        image.jpegsave(str(target), Q=quality, optimize_coding=True, keep="none")
    except Exception as error:  # besides its own, pyvips raises on messages that are no UTF-8
        raise RenderingFailed("The picture cannot be decoded.") from error
    return image.width, image.height


def _stills(source: Path, heights: list[int], into: Path, quality: int) -> Renderings:
    image = reduced(source, height=heights[0] if heights else SIDE).copy_memory()
    made = []
    for height in heights:
        image = _smaller(image, height)
        made.append(write_still(image, height, into, quality))
    return Renderings(made, impression_of(image))


def _animations(source: Path, heights: list[int], into: Path, quality: int) -> Renderings:
    """Reduce every frame, keeping delays and loop; libvips holds the frames as one tall strip."""
    name = format_of(source) or ""
    strip = _strip(source, heights[0])
    made = []
    for height in heights:
        strip = _next_strip(strip, source, height)
        made.append(write_animation(strip, height, into, quality, name))
    first = _first_frame(strip) if is_small(strip) else reduced(made[-1].path)
    return Renderings(made, impression_of(first))


def _next_strip(strip: Any, source: Path, height: int) -> Any:
    """Too many frames for the memory are not kept there, but read anew for each height."""
    if not is_small(strip):
        strip = _strip(source, height)
    return _smaller(strip, height) if is_small(strip) else strip


def _strip(source: Path, height: int) -> Any:
    """Reduce every frame; libvips by itself would turn the strip as if it were one picture."""
    header = pyvips.Image.new_from_file(str(source))
    box = (height, ANY_WIDTH) if lies(header) else (ANY_WIDTH, height)
    conversion = to_srgb(header)
    try:
        return each_upright(_shrunk_strip(source, box, conversion))
    except (pyvips.Error, UnicodeDecodeError):
        if not conversion:
            raise
        # As for stills: a profile that cannot be used must not cost the picture.
        return each_upright(_shrunk_strip(source, box, {}))


def _shrunk_strip(source: Path, box: tuple[int, int], conversion: dict[str, str]) -> Any:
    options = {"height": box[1], "size": "down", "no_rotate": True, "fail_on": "truncated"}
    return pyvips.Image.thumbnail(f"{source}[n=-1]", box[0], **options, **conversion)


def _first_frame(strip: Any) -> Any:
    frame = strip.crop(0, 0, strip.width, strip.get_page_height()).copy()
    for name in ("n-pages", "page-height"):
        frame.remove(name)
    return frame


def _smaller(image: Any, height: int) -> Any:
    """Return it at most so high, in memory: it is read for each file and for the next height."""
    if image.get_page_height() > height:
        image = image.thumbnail_image(ANY_WIDTH, height=height, size="down")
    return image.copy_memory()


def _is_animated(source: Path) -> bool:
    name = format_of(source)
    if name not in _ANIMATED:
        return False
    image = pyvips.Image.new_from_file(str(source))
    return "n-pages" in image.get_fields() and image.get("n-pages") > 1
