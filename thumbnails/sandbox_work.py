"""What the service has rendered of strangers' pictures.

As in `images.sandbox.work`: `thumbnails.rendering.operations` does it in a process of its own, and
what comes back is checked.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from images.formats.registry import FORMATS, Format
from images.pixels import Pixels, Shape
from images.sandbox import replies
from images.sandbox.confine import MAX_OUTPUT_BYTES
from images.sandbox.pool import Decoded, OperationFailed, decoded
from thumbnails.renderings import Placeholder, RenderedFile, RenderingFailed, Renderings

# How files begin that a browser shows as what they are said to be.
_BEGINNINGS = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "AVIF": re.compile(rb"\0\0\0.ftypavif", re.DOTALL),
}
_BEGINNING_BYTES = 12
# Formats of thumbnails, and in which smaller ones each may lie beside: the smallest last.
_BESIDE: dict[str, tuple[str, ...]] = {
    "JPEG": ("WEBP", "AVIF"),
    "PNG": ("WEBP",),
    "GIF": ("WEBP",),
    "WEBP": (),
}
_MAX_SIDE = 1_000_000
_THUMBHASH = re.compile(r"[A-Za-z0-9+/]{4,40}={0,2}")
_COLOR = re.compile(r"#[0-9a-f]{6}")


def render_thumbnails(
    source: Path, heights: Sequence[int], into: Path, *, quality: int = 80
) -> Renderings:
    """Write one file for each height (pixels) into a folder, the largest first.

    A picture that is less high is not enlarged. Animated GIF and WebP stay animated; transparency
    is kept as PNG; everything else becomes JPEG. A WebP is written beside it where that is smaller,
    and of a JPEG an AVIF where that is smaller still.
    Without heights the placeholder alone is made.

    Raises RenderingFailed, and PictureTooCostly.
    """
    return _render("render_thumbnails", source, heights, into, quality=quality)


def render_pixels(
    pixels: Pixels, heights: Sequence[int], into: Path, *, quality: int = 80
) -> Renderings:
    """Do as `render_thumbnails` with pixels that suffice for these heights, of a still picture.

    What lies beside is left to `render_beside`.
    """
    made = _render(
        "render_pixels", pixels.file, heights, into, quality=quality, **_as_arguments(pixels.shape)
    )
    return replace(made, lacks_beside=True)


def render_beside(
    source: Path | Pixels,
    sizes: Mapping[int, int],
    into: Path,
    *,
    quality: int = 80,
    is_behind: bool = False,
) -> dict[int, dict[str, Path]]:
    """Write what lies beside thumbnails of a still picture, by their heights and extensions.

    `sizes` are the bytes of the thumbnails, by their heights: each file is smaller than what comes
    before it. Pixels must suffice for the heights. With `is_behind` it gives way to everything
    else. Raises as `render_thumbnails` does, and TooLate.
    """
    asked = sorted(sizes.items(), reverse=True)
    options: dict[str, Any] = {"sizes": asked, "quality": quality}
    options |= {"writes": True, "is_behind": is_behind}
    if isinstance(source, Pixels):
        options |= _as_arguments(source.shape)
        work = decoded("render_beside_pixels", source.file, **options)
    else:
        work = decoded("render_beside", source, **options)
    try:
        with work as rendered:
            made = replies.record(rendered.result, "beside")
            each = zip(replies.items(made["beside"], len(asked)), asked, strict=True)
            return {
                height: _save_beside(
                    rendered,
                    replies.record(one, "webp_bytes", "avif_bytes"),
                    into / str(height),
                    size,
                    ("WEBP", "AVIF"),
                )
                for one, (height, size) in each
            }
    except OperationFailed as failed:
        raise _failure(failed) from None


def _as_arguments(shape: Shape) -> dict[str, int]:
    return {"width": shape.width, "height": shape.height, "bands": shape.bands}


def _render(
    operation: str, source: Path | BinaryIO, heights: Sequence[int], into: Path, **arguments: Any
) -> Renderings:
    asked = sorted(heights, reverse=True)
    try:
        with decoded(operation, source, writes=True, heights=asked, **arguments) as rendered:
            made = replies.record(rendered.result, "thumbnails", "placeholder")
            each = zip(replies.items(made["thumbnails"], len(asked)), asked, strict=True)
            files = [_save_thumbnail(rendered, one, height, into) for one, height in each]
            return Renderings(files, _placeholder(made["placeholder"]))
    except OperationFailed as failed:
        raise _failure(failed) from None


def render_jpeg(
    source: Path, target: Path, *, width: int | None = None, quality: int = 85
) -> tuple[int, int]:
    """Write the first frame as JPEG, fit to a width (pixels) and never enlarged, on white.

    Returns its width and height; raises RenderingFailed, and PictureTooCostly.
    """
    try:
        with decoded("render_jpeg", source, writes=True, width=width, quality=quality) as rendered:
            made = replies.record(rendered.result, "bytes", "width", "height")
            _save(rendered, made["bytes"], target, FORMATS["JPEG"])
            return (
                replies.integer(made["width"], 1, _MAX_SIDE),
                replies.integer(made["height"], 1, _MAX_SIDE),
            )
    except OperationFailed as failed:
        raise _failure(failed) from None


def _failure(failed: OperationFailed) -> Exception:
    return (
        RenderingFailed("The picture cannot be decoded.") if failed.kind == "rendering" else failed
    )


def _save_thumbnail(rendered: Decoded, made: object, height: int, into: Path) -> RenderedFile:
    names = ("height", "width_px", "height_px", "format", "bytes", "webp_bytes", "avif_bytes")
    one = replies.record(made, *names)
    replies.integer(one["height"], height, height)
    fmt = _format(one["format"])
    path = _save(rendered, one["bytes"], into / f"{height}.{fmt.extension}", fmt)
    beside = _save_beside(rendered, one, path, path.stat().st_size, _BESIDE[fmt.name])
    return RenderedFile(
        height=height,
        width_px=replies.integer(one["width_px"], 1, _MAX_SIDE),
        height_px=replies.integer(one["height_px"], 1, _MAX_SIDE),
        path=path,
        content_type=fmt.content_type,
        extension=fmt.extension,
        bytes=path.stat().st_size,
        webp=beside.get("webp"),
        webp_bytes=one["webp_bytes"],
        avif=beside.get("avif"),
        avif_bytes=one["avif_bytes"],
    )


def _save_beside(
    rendered: Decoded,
    one: Mapping[str, object],
    path: Path,
    size: int,
    allowed: Collection[str],
) -> dict[str, Path]:
    """Save the same in further formats, of which each is smaller than the one before."""
    saved = {}
    for name, column in (("WEBP", "webp_bytes"), ("AVIF", "avif_bytes")):
        largest = size - 1 if name in allowed else 0
        size = replies.integer(one[column], 0, max(0, largest))
        if size:
            fmt = FORMATS[name]
            saved[fmt.extension] = _save(rendered, size, path.with_suffix(f".{fmt.extension}"), fmt)
    return saved


def _format(name: Any) -> Format:
    if not isinstance(name, str) or name not in _BESIDE:
        raise replies.Malformed("no format of a thumbnail")
    return FORMATS[name]


def _save(rendered: Decoded, length: object, target: Path, fmt: Format) -> Path:
    """Save a file that begins as its format does."""
    rendered.save(replies.integer(length, 1, MAX_OUTPUT_BYTES), target)
    with target.open("rb") as file:
        if not _BEGINNINGS[fmt.name].match(file.read(_BEGINNING_BYTES)):
            raise replies.Malformed("a file of another format")
    return target


def _placeholder(made: object) -> Placeholder:
    one = replies.record(made, "thumbhash", "dominant_color")
    return Placeholder(
        replies.text(one["thumbhash"], _THUMBHASH), replies.text(one["dominant_color"], _COLOR)
    )
