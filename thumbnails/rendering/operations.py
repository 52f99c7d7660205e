"""What can be rendered of a stranger's picture. Sandbox only.

`thumbnails.sandbox_work` is the service's half of each.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from images.sandbox.decoder import Failed, Input, Output
from thumbnails.rendering.encoding import Encoded
from thumbnails.rendering.render import (
    Beside,
    encode_beside_pixels,
    encode_pixels,
    render,
    render_as_jpeg,
)
from thumbnails.rendering.render import render_beside as render_beside_original
from thumbnails.renderings import RenderingFailed


def render_thumbnails(data: Input, arguments: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Write the thumbnails, each with its WebP and AVIF behind it, and describe them."""
    try:
        encoded, placeholder = render(data, arguments["heights"], arguments["quality"])
    except RenderingFailed:
        raise Failed("rendering") from None
    thumbnails = [_write(each, output) for each in encoded]
    return {"thumbnails": thumbnails, "placeholder": asdict(placeholder)}


def render_pixels(data: Input, arguments: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Do as `render_thumbnails` with pixels that an inspection wrote, without WebP and AVIF."""
    heights, quality = arguments["heights"], arguments["quality"]
    try:
        encoded, placeholder = encode_pixels(data, _shape(arguments), heights, quality)
    except RenderingFailed:
        raise Failed("rendering") from None
    thumbnails = [_write(each, output) for each in encoded]
    return {"thumbnails": thumbnails, "placeholder": asdict(placeholder)}


def render_beside(data: Input, arguments: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Write the WebP and AVIF of thumbnails that have none, `sizes` of height and bytes each."""
    sizes, quality = arguments["sizes"], arguments["quality"]
    try:
        return _write_beside(render_beside_original(data, sizes, quality), output)
    except RenderingFailed:
        raise Failed("rendering") from None


def render_beside_pixels(
    data: Input, arguments: Mapping[str, Any], output: Output
) -> dict[str, Any]:
    """Do as `render_beside` with pixels that an inspection wrote."""
    sizes, quality = arguments["sizes"], arguments["quality"]
    try:
        return _write_beside(encode_beside_pixels(data, _shape(arguments), sizes, quality), output)
    except RenderingFailed:
        raise Failed("rendering") from None


def render_jpeg(data: Input, arguments: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Write the first frame as JPEG, and describe it."""
    try:
        content, width, height = render_as_jpeg(data, arguments["width"], arguments["quality"])
    except RenderingFailed:
        raise Failed("rendering") from None
    return {"bytes": output.write(content), "width": width, "height": height}


def _shape(arguments: Mapping[str, Any]) -> tuple[int, int, int]:
    return arguments["width"], arguments["height"], arguments["bands"]


def _write_beside(made: list[Beside], output: Output) -> dict[str, Any]:
    names = ("webp_bytes", "avif_bytes")
    each = [[output.write(one) if one else 0 for one in pair] for pair in made]
    return {"beside": [dict(zip(names, pair, strict=True)) for pair in each]}


def _write(encoded: Encoded, output: Output) -> dict[str, Any]:
    return {
        "height": encoded.height,
        "width_px": encoded.width_px,
        "height_px": encoded.height_px,
        "format": encoded.format.name,
        "bytes": output.write(encoded.content),
        "webp_bytes": output.write(encoded.webp) if encoded.webp else 0,
        "avif_bytes": output.write(encoded.avif) if encoded.avif else 0,
    }
