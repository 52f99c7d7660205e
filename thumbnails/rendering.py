"""From a picture to smaller ones: pure, one decode, each made from the next larger.

libvips shrinks while it decodes and reads from the path, so that memory stays far below the
picture's size. What it makes is upright, sRGB, and carries no metadata.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyvips

from images.formats import HEAD_BYTES, sniff
from thumbnails.fallback import decoded_by_pillow

# Nothing is rendered twice, so a cache of operations would only hold memory.
pyvips.cache_set_max(0)
# Loaders that libvips' authors do not trust with files from strangers.
pyvips.operation_block_set("VipsForeignLoad", True)  # noqa: FBT003 (a C signature)
for _loader in ("Jpeg", "Png", "Webp", "Nsgif", "Heif"):
    pyvips.operation_block_set(f"VipsForeignLoad{_loader}", False)  # noqa: FBT003

QUALITY = 80
# Wide enough that the height always decides.
_ANY_WIDTH = 10_000_000
_ANIMATED = frozenset({"GIF", "WEBP"})
_WHITE = [255, 255, 255]
_LEFT = 1.5


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
        image = _on_white(_reduced(source, width=width or _ANY_WIDTH))
        image.jpegsave(str(target), Q=quality, optimize_coding=True, keep="none")
    except Exception as error:  # besides its own, pyvips raises on messages that are no UTF-8
        raise RenderingFailed("The picture cannot be decoded.") from error
    return image.width, image.height


def _cascade(source: Path, heights: list[int], into: Path, quality: int) -> list[Rendered]:
    if not heights:
        return []
    if _is_animated(source):
        return [_animated(source, height, into, quality) for height in heights]
    image = _reduced(source, height=heights[0]).copy_memory()
    made = []
    for height in heights:
        if image.height > height:
            image = _smaller(image, height).copy_memory()
        made.append(_still(image, height, into, quality))
    return made


def _reduced(source: Path, *, height: int | None = None, width: int = _ANY_WIDTH) -> Any:
    """Decode once, shrinking while decoding: upright, sRGB, no larger than asked."""
    box = {"width": width, "height": height or _ANY_WIDTH}
    try:
        return _shrunk(source, box)
    except (pyvips.Error, UnicodeDecodeError):
        if _name(source) == "AVIF":
            return _eight_bits(_fitted(decoded_by_pillow(source), box, has_profile=True))
        # A colour profile that cannot be used must not cost the picture: its pixels as they are.
        return _shrunk(source, box, may_use_profile=False)


def _shrunk(source: Path, box: dict[str, int], *, may_use_profile: bool = True) -> Any:
    """Open lazily, then load what is needed; JPEG shrinks further than libvips would have it."""
    image = pyvips.Image.new_from_file(str(source))
    # libvips would also look for a profile of its own where there is none: half the time of a JPEG.
    profiled = may_use_profile and image.get_typeof("icc-profile-data") != 0
    if _name(source) == "JPEG":
        options = {"access": "sequential", "shrink": _jpeg_shrink(image, box)}
        image = pyvips.Image.new_from_file(str(source), fail_on="truncated", **options)
        return _eight_bits(_fitted(image, box, has_profile=profiled))
    options = {"height": box["height"], "size": "down", **_profile(has_profile=profiled)}
    return _eight_bits(
        pyvips.Image.thumbnail(str(source), box["width"], fail_on="truncated", **options)
    )


def _jpeg_shrink(header: Any, box: dict[str, int]) -> int:
    """Return the decoder's factor: at least half as much again as is wanted must be left (pixels).

    At that, the result is as near to the whole picture's (53 dB) as with twice as much left.
    """
    lies = "orientation" in header.get_fields() and header.get("orientation") >= 5
    width, height = (header.height, header.width) if lies else (header.width, header.height)
    factor = max(width / box["width"], height / box["height"])
    most = min(factor / _LEFT, width, height)
    return next((shrink for shrink in (8, 4, 2) if shrink <= most), 1)


def _fitted(image: Any, box: dict[str, int], *, has_profile: bool) -> Any:
    options = {"height": box["height"], "size": "down", **_profile(has_profile=has_profile)}
    return image.thumbnail_image(box["width"], **options)


def _profile(*, has_profile: bool) -> dict[str, str]:
    return {"output_profile": "srgb"} if has_profile else {}


def _eight_bits(image: Any) -> Any:
    return image if image.interpretation in {"srgb", "b-w"} else image.colourspace("srgb")


def _smaller(image: Any, height: int) -> Any:
    return image.thumbnail_image(_ANY_WIDTH, height=height, size="down")


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
    name = _name(source)
    if name not in _ANIMATED:
        return False
    image = pyvips.Image.new_from_file(str(source))
    return "n-pages" in image.get_fields() and image.get("n-pages") > 1


def _animated(source: Path, height: int, into: Path, quality: int) -> Rendered:
    """Reduce every frame, keeping delays and loop; libvips holds the frames as one tall strip."""
    name = _name(source)
    image = pyvips.Image.thumbnail(
        f"{source}[n=-1]", _ANY_WIDTH, height=height, size="down", fail_on="truncated"
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


def _name(source: Path) -> str | None:
    with source.open("rb") as file:
        return sniff(file.read(HEAD_BYTES))
