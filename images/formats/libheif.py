"""The decoder of HEIC: libheif with libde265, in a wheel that may be left out (`pillow-heif`)."""

import weakref
from typing import Any

import pyvips

from images.formats.scan import Buffer

try:
    import pillow_heif
except ImportError:
    pillow_heif = None  # type: ignore[assignment]  # there is no module then
else:
    pillow_heif.options.THUMBNAILS = False
    pillow_heif.options.DEPTH_IMAGES = False
    pillow_heif.options.AUX_IMAGES = False
    # Two pictures on two cores cost less than one picture's threads.
    pillow_heif.options.DECODE_THREADS = 1

# By whether there are colours, and how their values are stored.
_INTERPRETATIONS = {
    (False, "uchar"): "b-w",
    (False, "ushort"): "grey16",
    (True, "uchar"): "srgb",
    (True, "ushort"): "rgb16",
}


def is_available() -> bool:
    """Tell whether HEIC can be decoded here."""
    return pillow_heif is not None


def open_primary(file: Buffer, *, is_deep: bool = False) -> Any:
    """Return a file's primary picture, upright; its pixels are decoded when they are read.

    Colours have eight bits, or 16 of a deep picture that is asked for as such.
    """
    pictures = pillow_heif.HeifFile(bytes(file), convert_hdr_to_8bit=not is_deep)
    return pictures[pictures.primary_index]


def decode(file: Buffer, *, is_deep: bool = False) -> Any:
    """Return the primary picture as a libvips image, upright and with its colour profile."""
    picture = open_primary(file, is_deep=is_deep)
    # libvips reads the decoder's own pixels, not a copy. pyvips keeps this view of them as long as
    # any image made of it; the view keeps nothing, so the picture is kept as long as the view.
    data, profile = memoryview(picture.data), picture.info.get("icc_profile")
    weakref.finalize(data, lambda _: None, picture)
    # A mode names its bands, grey of more than eight bits as I;16, and more bits behind them.
    bands, _, bits = picture.mode.partition(";")
    form = "ushort" if bits else "uchar"
    image = pyvips.Image.new_from_memory(data, *picture.size, len(bands), form)
    image = image.copy(interpretation=_INTERPRETATIONS[image.bands > 2, form])
    if picture.premultiplied_alpha:
        image = image.unpremultiply().cast(form)
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image
