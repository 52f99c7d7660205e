"""All of a picture's thumbnails from one decode, each made from the next larger.

They are upright, in sRGB, and carry no metadata. The smallest gives the placeholder.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyvips

from images.formats.detect import codec_of
from images.formats.exif import SWAPS_SIDES, UPRIGHT
from images.formats.memory import open_header, vips_source
from images.formats.orientation import turn_frames_upright
from images.formats.registry import Format
from images.formats.resizing import ANY_WIDTH, resize, srgb_options
from images.formats.scan import Buffer
from thumbnails.rendering.encoding import (
    Encoded,
    encode_animation,
    encode_jpeg,
    encode_still,
    fits_in_memory,
    flatten_on_white,
    heights_with_avif,
)
from thumbnails.rendering.placeholders import SIDE, placeholder_of
from thumbnails.renderings import Placeholder, RenderingFailed

Rendered = tuple[list[Encoded], Placeholder]
# Grey alone, or with transparency.
_GREY_BANDS = 2


def render(data: Buffer, heights: Sequence[int], quality: int) -> Rendered:
    """Return what `thumbnails.sandbox_work.render_thumbnails` promises, largest first."""
    heights = sorted(heights, reverse=True)
    with _wrap_errors():
        animated = _animated_format(data) if heights else None
        if animated:
            return _render_animation(data, heights, quality, animated)
        return _render_still(data, heights, quality)


def render_as_jpeg(data: Buffer, width: int | None, quality: int) -> tuple[bytes, int, int]:
    """Return the JPEG that `thumbnails.sandbox_work.render_jpeg` promises, its width and height."""
    with _wrap_errors():
        image = flatten_on_white(resize(data, width=width or ANY_WIDTH))
        return encode_jpeg(image, quality), image.width, image.height


@contextmanager
def _wrap_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # besides its own, pyvips raises on messages that are no UTF-8
        raise RenderingFailed("The picture cannot be decoded.") from error


def _animated_format(data: Buffer) -> Format | None:
    """Return the format of a picture whose thumbnails are animated; None where they are still."""
    codec = codec_of(data)
    if codec is None or not codec.format.keeps_animation:
        return None
    image = open_header(data)
    is_animated = "n-pages" in image.get_fields() and image.get("n-pages") > 1
    return codec.format if is_animated else None


def encode_pixels(
    data: Buffer, shape: tuple[int, int, int], heights: list[int], quality: int
) -> Rendered:
    """Return what `render` does of samples of a byte each, grey or sRGB, that are large enough.

    `shape` is width, height and bands.
    """
    width, height, bands = shape
    with _wrap_errors():
        image = pyvips.Image.new_from_memory(data, width, height, bands, "uchar")
        kind = "b-w" if bands <= _GREY_BANDS else "srgb"
        return _encode_stills(image.copy(interpretation=kind), heights, quality)


def _render_still(data: Buffer, heights: list[int], quality: int) -> Rendered:
    image = resize(data, height=heights[0] if heights else SIDE).copy_memory()
    return _encode_stills(image, heights, quality)


def _encode_stills(image: Any, heights: list[int], quality: int) -> Rendered:
    """Encode a picture in memory at each height, largest first."""
    encoded, with_avif = [], heights_with_avif(image, heights)
    for height in heights:
        image = _reduce(image, height)
        encoded.append(encode_still(image, height, quality, may_be_avif=height in with_avif))
    return encoded, placeholder_of(image)


def _render_animation(data: Buffer, heights: list[int], quality: int, fmt: Format) -> Rendered:
    """Reduce every frame, keeping delays and loop; libvips holds the frames as one tall strip."""
    codec = codec_of(data)
    data = codec.shown(data) if codec else data
    strip = _load_strip(data, heights[0])
    encoded = []
    for height in heights:
        strip = _reduce_strip(strip, data, height)
        encoded.append(encode_animation(strip, height, quality, fmt))
    first = _first_frame(strip) if fits_in_memory(strip) else resize(encoded[-1].content)
    return encoded, placeholder_of(first)


def _reduce_strip(strip: Any, data: Buffer, height: int) -> Any:
    """Reduce a strip in memory; one that is too large for that is read anew for each height."""
    if not fits_in_memory(strip):
        strip = _load_strip(data, height)
    return _reduce(strip, height) if fits_in_memory(strip) else strip


def _load_strip(data: Buffer, height: int) -> Any:
    """Reduce every frame; libvips by itself would turn the strip as if it were one picture."""
    orientation, conversion = _orientation_of(data), srgb_options(open_header(data))
    box = (height, ANY_WIDTH) if orientation in SWAPS_SIDES else (ANY_WIDTH, height)
    try:
        return turn_frames_upright(_thumbnail_strip(data, box, conversion), orientation)
    except (pyvips.Error, UnicodeDecodeError):
        if not conversion:
            raise
        # As for stills: a profile that cannot be used must not cost the picture.
        return turn_frames_upright(_thumbnail_strip(data, box, {}), orientation)


def _orientation_of(data: Buffer) -> int:
    codec = codec_of(data)
    return codec.orientation(data) if codec else UPRIGHT


def _thumbnail_strip(data: Buffer, box: tuple[int, int], conversion: dict[str, str]) -> Any:
    options = {"height": box[1], "size": "down", "no_rotate": True, "fail_on": "truncated"}
    every = {"option_string": "[n=-1]"} | options | conversion
    return pyvips.Image.thumbnail_source(vips_source(data), box[0], **every)


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
