"""What can be done with a stranger's picture, but for the rendering of thumbnails. Sandbox only.

`images.sandbox.work` is the service's half of each.
"""

from collections.abc import Mapping
from typing import Any

from images.exceptions import StrippingFailed
from images.formats.inspect import inspect
from images.formats.limits import Limits, RefusedPicture
from images.formats.metadata_groups import MetadataGroup
from images.metadata.dropped import Dropped
from images.metadata.strip import has_profile, strip
from images.sandbox.decoder import Failed, Input, Output


def inspect_picture(data: Input, arguments: Mapping[str, Any], _: Output) -> dict[str, Any]:
    """Return the facts of a picture."""
    try:
        facts = inspect(data, Limits(**arguments["limits"]))
    except RefusedPicture as refused:
        raise Failed("refused", code=refused.code, message=refused.message) from None
    names = ("format", "width", "height", "frames", "has_alpha")
    return {name: getattr(facts, name) for name in names}


def list_dropped(data: Input, arguments: Mapping[str, Any], _: Output) -> dict[str, Any]:
    """Return what a copy without metadata leaves out; a rendition also lacks a colour profile."""
    dropped, format_name = Dropped(), arguments["format_name"]
    try:
        strip(data, format_name, dropped)
    except StrippingFailed:
        raise Failed("stripping") from None
    if arguments["is_rendition"] and has_profile(data, format_name):
        dropped.add(MetadataGroup.PROFILE, "ICC profile")
    return {"items": [[each.group.value, each.name] for each in dropped.items()]}


def strip_metadata(data: Input, arguments: Mapping[str, Any], output: Output) -> dict[str, Any]:
    """Write a copy without metadata, if there is any, and return its length."""
    try:
        stripped = strip(data, arguments["format_name"])
    except StrippingFailed:
        raise Failed("stripping") from None
    return {"bytes": None if stripped is None else output.write(stripped)}
