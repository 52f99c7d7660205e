"""One decode of a picture, shrinking while it decodes: upright, sRGB, no larger than asked.

libvips reads from the path, so that memory stays far below the picture's size.
"""

from pathlib import Path
from typing import Any

import pyvips

from images.formats.nclx import is_display_p3
from images.formats.registry import HEAD_BYTES, sniff
from images.formats.scan import mapped
from thumbnails.fallback import decoded_by_pillow, decoded_heic, first_page
from thumbnails.orientation import lies

# Nothing is rendered twice, so a cache of operations would only hold memory.
pyvips.cache_set_max(0)
# Loaders that libvips' authors do not trust with files from strangers.
pyvips.operation_block_set("VipsForeignLoad", True)  # noqa: FBT003 (a C signature)
for _loader in ("Jpeg", "Png", "Webp", "Nsgif", "Heif", "TiffFile"):
    pyvips.operation_block_set(f"VipsForeignLoad{_loader}", False)  # noqa: FBT003

# Wide enough that the height always decides.
ANY_WIDTH = 10_000_000
# What libvips must not, or cannot, open by itself.
_OPENED = {"HEIC": decoded_heic, "TIFF": first_page}
# Formats that may state their colours without a profile.
_STATED = frozenset({"AVIF", "HEIC"})
# At half as much again as is wanted, what JPEG's own shrinking leaves out cannot be seen: 53 dB
# against the whole picture, as with twice as much; at a quarter as much it is 47.
_LEFT = 1.5
Box = dict[str, int]


def reduced(source: Path, *, height: int = ANY_WIDTH, width: int = ANY_WIDTH) -> Any:
    """Return the first frame, fit to width and height (pixels); raises pyvips.Error."""
    name, box = format_of(source), {"width": width, "height": height}
    if name is None:
        raise pyvips.Error("of no format that is taken")
    try:
        return _eight_bits(_shrunk(source, name, box))
    except (pyvips.Error, UnicodeDecodeError):
        if name == "AVIF":
            decoded = decoded_by_pillow(source)
            return _eight_bits(_fitted(decoded, box, _conversion(decoded, source, name)))
        # A colour profile that cannot be used must not cost the picture: its pixels as they are.
        return _eight_bits(_shrunk(source, name, box, may_use_profile=False))


def format_of(source: Path) -> str | None:
    """Tell a file's format from its content."""
    with source.open("rb") as file:
        return sniff(file.read(HEAD_BYTES))


def _shrunk(source: Path, name: str, box: Box, *, may_use_profile: bool = True) -> Any:
    """Open without decoding, then decode as far as is needed."""
    opened = _OPENED[name](source) if name in _OPENED else pyvips.Image.new_from_file(str(source))
    conversion = _conversion(opened, source, name) if may_use_profile else {}
    if name == "JPEG":
        options = {"access": "sequential", "shrink": _jpeg_shrink(opened, box)}
        opened = pyvips.Image.new_from_file(str(source), fail_on="truncated", **options)
    elif name not in _OPENED:
        options = _fit(box) | conversion
        return pyvips.Image.thumbnail(str(source), box["width"], fail_on="truncated", **options)
    return _fitted(opened, box, conversion)


def _conversion(opened: Any, source: Path, name: str) -> dict[str, str]:
    """Return the options that lead to sRGB, none where no other colours are stated.

    libvips would also look for a profile of its own where there is none: half the time of a JPEG.
    """
    if name in _STATED and not _has_profile(opened) and _states_display_p3(source):
        return {"input_profile": "p3", "output_profile": "srgb"}
    return to_srgb(opened)


def to_srgb(opened: Any) -> dict[str, str]:
    """Return the options that convert by an embedded profile, none where there is none."""
    return {"output_profile": "srgb"} if _has_profile(opened) else {}


def _has_profile(opened: Any) -> bool:
    return bool(opened.get_typeof("icc-profile-data") != 0)


def _states_display_p3(source: Path) -> bool:
    with mapped(source) as data:
        return is_display_p3(data)


def _jpeg_shrink(header: Any, box: Box) -> int:
    """Return the factor by which the decoder shrinks; libvips by itself would shrink less."""
    width, height = header.width, header.height
    if lies(header):
        width, height = height, width
    most = min(max(width / box["width"], height / box["height"]) / _LEFT, width, height)
    return next((shrink for shrink in (8, 4, 2) if shrink <= most), 1)


def _fitted(image: Any, box: Box, conversion: dict[str, str]) -> Any:
    return image.thumbnail_image(box["width"], **_fit(box), **conversion)


def _fit(box: Box) -> dict[str, Any]:
    return {"height": box["height"], "size": "down"}


def _eight_bits(image: Any) -> Any:
    return image if image.interpretation in {"srgb", "b-w"} else image.colourspace("srgb")
