"""All of a picture's thumbnails from one decode, each made from the next larger.

They are upright, in sRGB, and carry no metadata. The smallest gives the placeholder.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyvips

from images.formats.detect import codec_for_file
from images.formats.registry import Format
from thumbnails.rendering.encoding import (
    fits_in_memory,
    flatten_on_white,
    write_animation,
    write_still,
)
from thumbnails.rendering.orientation import swaps_sides, turn_frames_upright
from thumbnails.rendering.placeholders import SIDE, placeholder_of
from thumbnails.rendering.resizing import ANY_WIDTH, resize, srgb_options
from thumbnails.renderings import RenderingFailed, Renderings


def render(source: Path, heights: Sequence[int], into: Path, quality: int) -> Renderings:
    """Write the files that `thumbnails.sandbox_work.render_thumbnails` promises."""
    heights = sorted(heights, reverse=True)
    with _wrap_errors():
        animated = _animated_format(source) if heights else None
        if animated:
            return _render_animation(source, heights, into, quality, animated)
        return _render_still(source, heights, into, quality)


def save_jpeg(source: Path, target: Path, width: int | None, quality: int) -> tuple[int, int]:
    """Write the file that `thumbnails.sandbox_work.render_jpeg` promises."""
    with _wrap_errors():
        image = flatten_on_white(resize(source, width=width or ANY_WIDTH))
        image.jpegsave(str(target), Q=quality, optimize_coding=True, keep="none")
    return image.width, image.height


@contextmanager
def _wrap_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # besides its own, pyvips raises on messages that are no UTF-8
        raise RenderingFailed("The picture cannot be decoded.") from error


def _animated_format(source: Path) -> Format | None:
    """Return the format of a picture whose thumbnails are animated; None where they are still."""
    codec = codec_for_file(source)
    if codec is None or not codec.keeps_animation:
        return None
    image = pyvips.Image.new_from_file(str(source))
    is_animated = "n-pages" in image.get_fields() and image.get("n-pages") > 1
    return codec.format if is_animated else None


def _render_still(source: Path, heights: list[int], into: Path, quality: int) -> Renderings:
    image = resize(source, height=heights[0] if heights else SIDE).copy_memory()
    files = []
    for height in heights:
        image = _reduce(image, height)
        files.append(write_still(image, height, into, quality))
    return Renderings(files, placeholder_of(image))


def _render_animation(
    source: Path, heights: list[int], into: Path, quality: int, fmt: Format
) -> Renderings:
    """Reduce every frame, keeping delays and loop; libvips holds the frames as one tall strip."""
    strip = _load_strip(source, heights[0])
    files = []
    for height in heights:
        strip = _reduce_strip(strip, source, height)
        files.append(write_animation(strip, height, into, quality, fmt))
    first = _first_frame(strip) if fits_in_memory(strip) else resize(files[-1].path)
    return Renderings(files, placeholder_of(first))


def _reduce_strip(strip: Any, source: Path, height: int) -> Any:
    """Reduce a strip in memory; one that is too large for that is read anew for each height."""
    if not fits_in_memory(strip):
        strip = _load_strip(source, height)
    return _reduce(strip, height) if fits_in_memory(strip) else strip


def _load_strip(source: Path, height: int) -> Any:
    """Reduce every frame; libvips by itself would turn the strip as if it were one picture."""
    header = pyvips.Image.new_from_file(str(source))
    box = (height, ANY_WIDTH) if swaps_sides(header) else (ANY_WIDTH, height)
    conversion = srgb_options(header)
    try:
        return turn_frames_upright(_thumbnail_strip(source, box, conversion))
    except (pyvips.Error, UnicodeDecodeError):
        if not conversion:
            raise
        # As for stills: a profile that cannot be used must not cost the picture.
        return turn_frames_upright(_thumbnail_strip(source, box, {}))


def _thumbnail_strip(source: Path, box: tuple[int, int], conversion: dict[str, str]) -> Any:
    options = {"height": box[1], "size": "down", "no_rotate": True, "fail_on": "truncated"}
    return pyvips.Image.thumbnail(f"{source}[n=-1]", box[0], **options, **conversion)


def _first_frame(strip: Any) -> Any:
    frame = strip.crop(0, 0, strip.width, strip.get_page_height()).copy()
    for name in ("n-pages", "page-height"):
        frame.remove(name)
    return frame


def _reduce(image: Any, height: int) -> Any:
    """Reduce to a height, into memory: it is read for each file and for the next height."""
    if image.get_page_height() > height:
        image = image.thumbnail_image(ANY_WIDTH, height=height, size="down")
    return image.copy_memory()
