"""The decoder of HEIC: libheif with libde265, in a wheel (`pi-heif`) that may be left out."""

import weakref
from pathlib import Path
from typing import Any

import pyvips

try:
    import pi_heif
except ImportError:
    pi_heif = None
else:
    pi_heif.options.THUMBNAILS = False
    pi_heif.options.DEPTH_IMAGES = False
    pi_heif.options.AUX_IMAGES = False
    # Two pictures on two cores cost less than one picture's threads.
    pi_heif.options.DECODE_THREADS = 1


def is_available() -> bool:
    """Tell whether HEIC can be decoded here."""
    return pi_heif is not None


def open_primary(path: Path) -> Any:
    """Return a file's primary picture, upright; its pixels are decoded when they are read."""
    file = pi_heif.HeifFile(path.read_bytes())
    return file[file.primary_index]


def decode(path: Path) -> Any:
    """Return the primary picture as a libvips image, upright and with its colour profile."""
    picture = open_primary(path)
    # libvips reads the decoder's own pixels, not a copy. pyvips keeps this view of them as long as
    # any image made of it; the view keeps nothing, so the picture is kept as long as the view.
    data, profile = memoryview(picture.data), picture.info.get("icc_profile")
    weakref.finalize(data, lambda _: None, picture)
    image = pyvips.Image.new_from_memory(data, *picture.size, len(picture.mode), "uchar")
    image = image.copy(interpretation="srgb" if image.bands > 2 else "b-w")
    if picture.premultiplied_alpha:
        image = image.unpremultiply().cast("uchar")
    if profile:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image
