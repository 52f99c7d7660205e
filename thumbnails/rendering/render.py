"""All of a picture's thumbnails from one decode, each made from the next larger.

They are upright, in sRGB, and carry no metadata. The smallest gives the placeholder.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
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
    encode_beside,
    encode_jpeg,
    encode_still,
    fits_in_memory,
    flatten_on_white,
    heights_with_avif,
)
from thumbnails.rendering.placeholders import SIDE, placeholder_of
from thumbnails.renderings import Placeholder, RenderingFailed

Rendered = tuple[list[Encoded], Placeholder]
# A WebP and an AVIF.
Beside = tuple[bytes | None, bytes | None]
# Width, height and bands.
Shape = tuple[int, int, int]
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


def encode_pixels(data: Buffer, shape: Shape, heights: list[int], quality: int) -> Rendered:
    """Return what `render` does of pixels that are large enough, without what lies beside."""
    with _wrap_errors():
        reduced = list(_reduced(_image_of(data, shape), heights))
        encoded = [encode_still(image, height, quality) for image, height in reduced]
        return encoded, placeholder_of(reduced[-1][0])


def encode_beside_pixels(
    data: Buffer, shape: Shape, sizes: Sequence[tuple[int, int]], quality: int
) -> list[Beside]:
    """Return what `encode_pixels` leaves out, for heights and the bytes of the thumbnails there."""
    with _wrap_errors():
        return _encode_beside(_image_of(data, shape), sizes, quality)


def render_beside(data: Buffer, sizes: Sequence[tuple[int, int]], quality: int) -> list[Beside]:
    """Do as `encode_beside_pixels` with a still picture that has to be decoded."""
    with _wrap_errors():
        return _encode_beside(resize(data, height=sizes[0][0]).copy_memory(), sizes, quality)


def _image_of(data: Buffer, shape: Shape) -> Any:
    """Return samples of a byte each, grey or sRGB, as a picture."""
    width, height, bands = shape
    kind = "b-w" if bands <= _GREY_BANDS else "srgb"
    image = pyvips.Image.new_from_memory(data, width, height, bands, "uchar")
    return image.copy(interpretation=kind)


def _render_still(data: Buffer, heights: list[int], quality: int) -> Rendered:
    smallest = image = resize(data, height=heights[0] if heights else SIDE).copy_memory()
    encoded, with_avif = [], heights_with_avif(image, heights)
    for smallest, height in _reduced(image, heights):
        usual = encode_still(smallest, height, quality)
        size, may_be_avif = len(usual.content), height in with_avif
        webp, avif = encode_beside(smallest, quality, smaller_than=size, may_be_avif=may_be_avif)
        encoded.append(replace(usual, webp=webp, avif=avif))
    return encoded, placeholder_of(smallest)


def _encode_beside(image: Any, sizes: Sequence[tuple[int, int]], quality: int) -> list[Beside]:
    with_avif = heights_with_avif(image, [height for height, _ in sizes])
    bytes_of = dict(sizes)
    return [
        encode_beside(
            reduced,
            quality,
            smaller_than=bytes_of[height],
            may_be_avif=height in with_avif,
        )
        for reduced, height in _reduced(image, list(bytes_of))
    ]


def _reduced(image: Any, heights: Sequence[int]) -> Iterator[tuple[Any, int]]:
    """Yield a picture in memory at each height, largest first, made from the one before.

    It has to lie there before, too: where it is no higher, it is not copied.
    """
    for height in heights:
        if image.height > height:
            image = _reduce(image, height)
        yield image, height


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
