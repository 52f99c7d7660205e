"""One decode of a picture, shrinking while it decodes: upright, sRGB, no larger than asked.

libvips reads the file piece by piece, so that memory stays far below the picture's size.
"""

from typing import Any

import pyvips

from images.formats.codec import Codec
from images.formats.detect import codec_of
from images.formats.memory import vips_source
from images.formats.orientation import swaps_sides, turn_upright, with_orientation
from images.formats.scan import Buffer

# Wide enough that the height always decides.
ANY_WIDTH = 10_000_000
# With half as much again as is wanted, what the decoder's own shrinking leaves out cannot be seen:
# 53 dB against the whole picture, as with twice as much; with a quarter as much it is 47.
_OVERSAMPLING = 1.5
Box = dict[str, int]


def resize(data: Buffer, *, height: int = ANY_WIDTH, width: int = ANY_WIDTH) -> Any:
    """Return the first frame, fit to width and height (pixels); raises what decoders raise."""
    codec, box = codec_of(data), {"width": width, "height": height}
    if codec is None:
        raise pyvips.Error("of no format that is taken")
    try:
        return _to_eight_bits(_decode_to(box, data, codec))
    except (pyvips.Error, UnicodeDecodeError):
        other = codec.open_by_other_decoder(data)
        if other is not None:
            return _to_eight_bits(_fit(other, box, _conversion(other, data, codec)))
        # A colour profile that cannot be used must not cost the picture: its pixels as they are.
        return _to_eight_bits(_decode_to(box, data, codec, use_profile=False))


def _decode_to(box: Box, data: Buffer, codec: Codec, *, use_profile: bool = True) -> Any:
    """Open without decoding, then decode as far as is needed."""
    orientation = codec.orientation(data)
    opened = with_orientation(codec.open(data), orientation)
    conversion = _conversion(opened, data, codec) if use_profile else {}
    if codec.is_shrunk_by_libvips:
        lying = _turned_box(box) if swaps_sides(opened) else box
        options = _fit_options(lying) | conversion | {"no_rotate": True, "fail_on": "truncated"}
        made = pyvips.Image.thumbnail_source(vips_source(data), lying["width"], **options)
        return turn_upright(made, orientation)
    loaded = codec.load(data, opened, _max_shrink(opened, box))
    return _fit(with_orientation(loaded, orientation), box, conversion)


def _turned_box(box: Box) -> Box:
    return {"width": box["height"], "height": box["width"]}


def _conversion(opened: Any, data: Buffer, codec: Codec) -> dict[str, str]:
    """Return the options that lead to sRGB, none where no other colours are stated.

    libvips would also look for a profile of its own where there is none: half the time of a JPEG.
    """
    if not _has_profile(opened) and codec.states_display_p3(data):
        return {"input_profile": "p3", "output_profile": "srgb"}
    return srgb_options(opened)


def srgb_options(opened: Any) -> dict[str, str]:
    """Return the options that convert by an embedded profile, none where there is none."""
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


def _fit(image: Any, box: Box, conversion: dict[str, str]) -> Any:
    return image.thumbnail_image(box["width"], **_fit_options(box), **conversion)


def _fit_options(box: Box) -> dict[str, Any]:
    return {"height": box["height"], "size": "down"}


def _to_eight_bits(image: Any) -> Any:
    return image if image.interpretation in {"srgb", "b-w"} else image.colourspace("srgb")
