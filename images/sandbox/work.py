"""What the service has done with strangers' pictures, but for the rendering of thumbnails.

The functions take paths and plain data, have `images.sandbox.operations` do the work in a process
of its own, and believe nothing of what comes back before it is checked.
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

from images.exceptions import PictureTooCostly, StrippingFailed
from images.formats.facts import Facts, facts_of
from images.formats.limits import Code, Limits, RefusedPicture, refuse_size
from images.formats.metadata_groups import MAX_ITEMS, DroppedItem, MetadataGroup
from images.formats.registry import FORMATS
from images.pixels import MAX_BANDS, MAX_BYTES, Pixels, Shape
from images.sandbox import replies
from images.sandbox.pool import OperationFailed, decoded

_CODES: dict[str, Code] = {code: code for code in get_args(Code)}


def inspect_picture(path: Path, limits: Limits) -> Facts:
    """Return what a whole picture within the limits is.

    Raises RefusedPicture, and PictureTooCostly.
    """
    facts, _ = _inspect(path, limits, None, is_upload=False)
    return facts


def inspect_and_shrink(
    path: Path, limits: Limits, height: int | None
) -> tuple[Facts, Pixels | None]:
    """Return what an upload is, and its pixels at a height where one decode gives both.

    The facts tell, too, whether its metadata can be removed. The caller closes the pixels. Raises
    as `inspect_picture`.
    """
    facts, found = _inspect(path, limits, height, is_upload=True)
    if facts.is_cleanable is None:
        try:
            facts = replace(facts, is_cleanable=_is_cleanable(path, facts.format))
        except BaseException:
            if found:
                found.file.close()
            raise
    return facts, found


def _is_cleanable(path: Path, format_name: str) -> bool:
    """Tell whether the metadata can be removed, in a call of its own: it may fail or cost much."""
    try:
        list_dropped(path, format_name, is_rendition=False)
    except (StrippingFailed, PictureTooCostly):
        return False
    return True


def _inspect(
    path: Path, limits: Limits, height: int | None, *, is_upload: bool
) -> tuple[Facts, Pixels | None]:
    arguments: dict[str, Any] = {
        "limits": asdict(limits),
        "height": height,
        "max_pixel_bytes": MAX_BYTES,
        "is_upload": is_upload,
    }
    try:
        with decoded("inspect", path, writes=height is not None, **arguments) as found:
            result = replies.record(found.result, "facts", "shape")
            facts = _facts(result["facts"], limits)
            if height is None or result["shape"] is None:
                return facts, None
            shape = _shape(result["shape"], height)
            return facts, Pixels(shape, found.keep(shape.bytes))
    except OperationFailed as failed:
        raise _refusal(failed) from None


def _shape(value: object, height: int) -> Shape:
    found = replies.record(value, "width", "height", "bands")
    shape = Shape(
        replies.integer(found["width"], 1, MAX_BYTES),
        replies.integer(found["height"], 1, height),
        replies.integer(found["bands"], 1, MAX_BANDS),
        height,
    )
    replies.integer(shape.bytes, 1, MAX_BYTES)
    return shape


def strip_metadata(source: Path, target: Path, format_name: str) -> bool:
    """Write a copy without metadata; return False, and write nothing, when there is none.

    Raises StrippingFailed, and PictureTooCostly.
    """
    try:
        with decoded("strip", source, writes=True, format_name=format_name) as stripped:
            longest = 2 * source.stat().st_size
            written = replies.record(stripped.result, "bytes")["bytes"]
            if written is None:
                return False
            stripped.save(replies.integer(written, 1, longest), target)
            return True
    except OperationFailed as failed:
        if failed.kind != "stripping":
            raise
        raise StrippingFailed("The picture's structure cannot be followed.") from None


def list_dropped(source: Path, format_name: str, *, is_rendition: bool) -> list[DroppedItem]:
    """Return what a copy without metadata leaves out; a rendition also lacks a colour profile.

    Raises StrippingFailed, and PictureTooCostly.
    """
    try:
        with decoded(
            "dropped", source, format_name=format_name, is_rendition=is_rendition
        ) as found:
            named = replies.record(found.result, "items")["items"]
            return [_dropped_item(each) for each in replies.some_items(named, MAX_ITEMS)]
    except OperationFailed as failed:
        if failed.kind != "stripping":
            raise
        raise StrippingFailed("The picture's structure cannot be followed.") from None


def _dropped_item(value: object) -> DroppedItem:
    group, name = replies.items(value, 2)
    if group not in list(MetadataGroup):
        raise replies.Malformed("no group of ours")
    return DroppedItem(MetadataGroup(group), replies.text(name, replies.NAME_OF_METADATA))


def _facts(result: object, limits: Limits) -> Facts:
    names = ("format", "width", "height", "frames", "has_alpha", "is_cleanable")
    found = replies.record(result, *names)
    fmt = FORMATS.get(found["format"]) if isinstance(found["format"], str) else None
    if fmt is None:
        raise replies.Malformed("no format of ours")
    width, height = (
        replies.integer(found[each], 1, limits.max_side) for each in ("width", "height")
    )
    frames = replies.integer(found["frames"], 1, limits.max_frames)
    try:
        refuse_size(width, height, frames, limits)
    except RefusedPicture:
        raise replies.Malformed("a size beyond the limits") from None
    has_alpha = replies.boolean(found["has_alpha"])
    told = found["is_cleanable"]
    is_cleanable = None if told is None else replies.boolean(told)
    facts = facts_of(fmt, (width, height), frames=frames, has_alpha=has_alpha)
    return replace(facts, is_cleanable=is_cleanable)


def _refusal(failed: OperationFailed) -> Exception:
    """Return the refusal of a picture; a reply of another shape is a refusal too."""
    try:
        details = replies.record(failed.details, "code", "message")
        if failed.kind != "refused":
            raise replies.Malformed(failed.kind)
        code = _CODES.get(str(details["code"]))
        if code is None:
            raise replies.Malformed("no code of ours")
        return RefusedPicture(code, replies.text(details["message"], replies.SENTENCE))
    except replies.Malformed:
        return RefusedPicture("too_costly", "The picture is too costly to decode.")
