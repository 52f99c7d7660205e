"""What can be done with a stranger's picture, but for the rendering of thumbnails. Sandbox only.

`images.sandbox.work` is the service's half of each.
"""

from collections.abc import Mapping
from typing import Any

from images.exceptions import StrippingFailed
from images.formats.facts import Facts
from images.formats.inspect import identify, verify
from images.formats.limits import Limits, RefusedPicture
from images.formats.metadata_groups import MAX_ITEMS, DroppedItem, MetadataGroup
from images.formats.resizing import resize_and_verify
from images.metadata.dropped import Dropped
from images.metadata.strip import can_strip, has_profile, strip
from images.sandbox.decoder import Failed, Input, Output

# Grey or sRGB, without transparency and with it.
_BANDS = {False: (1, 3), True: (2, 4)}


def inspect_picture(data: Input, arguments: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Return the facts of a picture, and write its pixels at a height where that costs little."""
    limits = Limits(**arguments["limits"])
    is_cleanable: bool | None = True
    try:
        facts = identify(data, limits)
        image = _decode_once(data, facts, arguments["height"], arguments["max_pixel_bytes"])
        if image is None:
            verify(data, facts)
    except RefusedPicture as refused:
        raise Failed("refused", code=refused.code, message=refused.message) from None
    if arguments["is_upload"]:
        is_cleanable = can_strip(data, facts, limits, is_silent=image is not None)
    names = ("format", "width", "height", "frames", "has_alpha")
    return {
        "facts": {name: getattr(facts, name) for name in names} | {"is_cleanable": is_cleanable},
        "shape": None if image is None else _write_pixels(image, output),
    }


def _decode_once(data: Input, facts: Facts, height: int | None, max_bytes: int) -> Any | None:
    """Decode a picture that is whole to pixels that are not too many; None in any other case."""
    if height is None:
        return None
    scale = min(1, height / facts.height)
    if facts.width * facts.height * scale**2 * (4 if facts.has_alpha else 3) > max_bytes:
        return None
    image = resize_and_verify(data, facts, height=height)
    if image is None or image.width * image.height * image.bands > max_bytes:
        return None
    return image


def _write_pixels(image: Any, output: Output) -> dict[str, int] | None:
    """Write the samples, and return how they lie; None where there is no place, or no such form."""
    is_usual = image.format == "uchar" and image.bands in _BANDS[image.hasalpha()]
    if not is_usual:
        return None
    try:
        output.write(image.write_to_memory())
    except Failed:
        return None
    return {"width": image.width, "height": image.height, "bands": image.bands}


def list_dropped(data: Input, arguments: Mapping[str, Any], _: Output) -> dict[str, Any]:
    """Return what a copy without metadata leaves out; a rendition also lacks a colour profile."""
    dropped, format_name = Dropped(), arguments["format_name"]
    try:
        strip(data, format_name, dropped)
    except StrippingFailed:
        raise Failed("stripping") from None
    found = dropped.items()
    if arguments["is_rendition"] and has_profile(data, format_name):
        whole = DroppedItem(MetadataGroup.PROFILE, "ICC profile")
        found = [*(each for each in found if each.group != MetadataGroup.PROFILE), whole]
    return {"items": [[each.group.value, each.name] for each in found[:MAX_ITEMS]]}


def strip_metadata(data: Input, arguments: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Write a copy without metadata, if there is any, and return its length."""
    try:
        stripped = strip(data, arguments["format_name"])
    except StrippingFailed:
        raise Failed("stripping") from None
    return {"bytes": None if stripped is None else output.write(stripped)}
