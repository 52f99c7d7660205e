"""One decode of a picture, shrinking while it decodes: upright, sRGB, no larger than asked.

libvips reads the file piece by piece, so that memory stays far below the picture's size.
"""

from typing import Any

import pyvips

from images.formats.codec import Codec
from images.formats.colours import Colours, to_srgb
from images.formats.detect import codec_named, codec_of
from images.formats.exif import SWAPS_SIDES
from images.formats.facts import Facts
from images.formats.orientation import swaps_sides, turn_upright, with_orientation
from images.formats.scan import Buffer

# Wide enough that the height always decides.
ANY_WIDTH = 10_000_000
# With half as much again as is wanted, what the decoder's own shrinking leaves out cannot be seen:
# 53 dB against the whole picture, as with twice as much; with a quarter as much it is 47.
_OVERSAMPLING = 1.5
Box = dict[str, Any]


def resize(data: Buffer, *, height: int = ANY_WIDTH, width: int = ANY_WIDTH) -> Any:
    """Return the first frame, fit to width and height (pixels); raises what decoders raise."""
    codec, box = codec_of(data), {"width": width, "height": height}
    if codec is None:
        raise pyvips.Error("of no format that is taken")
    data = codec.shown(data)
    try:
        return _to_eight_bits(_decode_to(box, data, codec))
    except (pyvips.Error, UnicodeDecodeError):
        other = codec.open_by_other_decoder(data)
        if other is not None:
            shown = _in_srgb(other, codec.colours(data), _max_shrink(other, box))
            return _to_eight_bits(_fit(shown, box, srgb_options(shown)))
        # A colour profile that cannot be used must not cost the picture: its pixels as they are.
        return _to_eight_bits(_decode_to(box, data, codec, use_profile=False))


def resize_and_verify(data: Buffer, facts: Facts, *, height: int) -> Any | None:
    """Return what `resize` does, in memory, from a decode which shows that the file is whole.

    None where that takes a decode of its own: of animations and several pages, where the decoder
    that verifies is not the one that renders, or where the file cannot be rendered, which may not
    be a reason to refuse it.
    """
    codec, box = codec_named(facts.format), {"width": ANY_WIDTH, "height": height}
    if facts.frames > 1:
        return None
    try:
        shown = codec.shown(data)
        if len(shown) < len(data):
            # What is left out is decoded by `verify` alone.
            return None
        image = _to_eight_bits(_decode_whole(box, shown, codec))
        # Of the file itself: what is shown of it may be written anew.
        codec.verify_end(data)
    except Exception:  # noqa: BLE001 (whatever it is, `Codec.verify` has the last word)
        return None
    return image if _is_of(image, facts, height) else None


def _decode_whole(box: Box, data: Buffer, codec: Codec) -> Any:
    """Decode every line, also those that make no part of the smaller picture."""
    fitted = _decode_to_fit(box, data, codec)
    if fitted is not None:
        return fitted.copy_memory()
    orientation = codec.orientation(data)
    opened = with_orientation(codec.open(data), orientation)
    shrink = _max_shrink(opened, box)
    colours = codec.colours(data)
    with codec.loaded_to_verify(data, opened, shrink) as (lines, whole):
        loaded = with_orientation(_in_srgb(lines, colours, shrink), orientation)
        box = _fit_exactly(box, loaded, opened)
        if swaps_sides(loaded):
            box = _turned_box(box)
        # Turned by libvips it would be read at once.
        lying = _fit(loaded, box, srgb_options(loaded) | {"no_rotate": True})
        # Lines are read once, in their order, so the last is asked for together with the others.
        last = whole.crop(0, whole.height - 1, 1, 1)[0].cast(lying.format)
        both = lying.insert(last, 0, lying.height, expand=True).copy_memory()
    return turn_upright(both.crop(0, 0, lying.width, lying.height), orientation)


def _is_of(image: Any, facts: Facts, height: int) -> bool:
    """Tell whether a smaller picture has the shape that was found out."""
    scale = min(1, height / facts.height)
    shape = max(1, round(facts.width * scale)), max(1, round(facts.height * scale))
    is_as_wide = abs(image.width - shape[0]) <= 1 + shape[0] // 100
    return bool(is_as_wide and image.height == shape[1])


def _decode_to(box: Box, data: Buffer, codec: Codec, *, use_profile: bool = True) -> Any:
    """Open without decoding, then decode as far as is needed."""
    fitted = _decode_to_fit(box, data, codec, use_profile=use_profile)
    if fitted is not None:
        return fitted
    orientation = codec.orientation(data)
    opened = with_orientation(codec.open(data), orientation)
    conversion = srgb_options(opened) if use_profile else {}
    shrink = _max_shrink(opened, box)
    loaded = codec.load(data, opened, shrink)
    if use_profile:
        loaded = _in_srgb(loaded, codec.colours(data), shrink)
        conversion = srgb_options(loaded)
    loaded = with_orientation(loaded, orientation)
    return _fit(loaded, _fit_exactly(box, loaded, opened), conversion)


def _fit_exactly(box: Box, loaded: Any, opened: Any) -> Box:
    """Return the size that a picture has in a box, where its shrunk decode would have another.

    Decoders shrink to whole pixels, which may be half a pixel more.
    """
    exact = _size_within(box, opened)
    if exact == _size_within(box, loaded):
        return box
    return {"width": exact[0], "height": exact[1], "size": "force"}


def _size_within(box: Box, image: Any) -> tuple[int, int]:
    """Return width and height, upright and in a box, as libvips rounds them."""
    width, height = image.width, image.height
    if swaps_sides(image):
        width, height = height, width
    scale = min(1, box["width"] / width, box["height"] / height)
    return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))


def _decode_to_fit(box: Box, data: Buffer, codec: Codec, *, use_profile: bool = True) -> Any | None:
    """Have the decoder itself shrink all that is to be shrunk; None where it cannot."""
    orientation = codec.orientation(data)
    lying = _turned_box(box) if orientation in SWAPS_SIDES else box
    loaded = codec.load_to_fit(data, lying["width"], lying["height"])
    if loaded is None:
        return None
    conversion = srgb_options(loaded) if use_profile else {}
    return turn_upright(_fit(loaded, lying, conversion | {"no_rotate": True}), orientation)


def _turned_box(box: Box) -> Box:
    return box | {"width": box["height"], "height": box["width"]}


def _in_srgb(image: Any, colours: Colours | None, shrink: float) -> Any:
    """Convert by what a file states instead of a profile; as few pixels as will do."""
    if colours is None:
        return image
    factor = int(min(shrink, image.width, image.height))
    if factor > 1 and not image.hasalpha():
        image = image.shrink(factor, factor)
    return to_srgb(image, colours)


def srgb_options(opened: Any) -> dict[str, str]:
    """Return the options that convert by an embedded profile, none where there is none.

    libvips would also look for a profile of its own where there is none: half the time of a JPEG.
    """
    return {"output_profile": "srgb"} if _has_profile(opened) else {}


def _has_profile(opened: Any) -> bool:
    return bool(opened.get_typeof("icc-profile-data") != 0)


def _max_shrink(header: Any, box: Box) -> float:
    """Return the factor by which a decoder may shrink a picture that is then fit to a box."""
    width, height = header.width, header.height
    if swaps_sides(header):
        width, height = height, width
    wanted = max(width / box["width"], height / box["height"]) / _OVERSAMPLING
    return float(min(wanted, width, height))


def _fit(image: Any, box: Box, conversion: dict[str, Any]) -> Any:
    return image.thumbnail_image(box["width"], **_fit_options(box), **conversion)


def _fit_options(box: Box) -> dict[str, Any]:
    return {"height": box["height"], "size": box.get("size", "down")}


def _to_eight_bits(image: Any) -> Any:
    return image if image.interpretation in {"srgb", "b-w"} else image.colourspace("srgb")
