"""Pictures that libvips does not open by itself: HEIC, some kinds of AVIF, a TIFF's first page."""

from pathlib import Path
from typing import Any

import pyvips
from PIL import Image, ImageOps

from images.formats.scan import mapped
from images.formats.tiff import directories
from images.formats.tiff_samples import extra_samples, transparency


def decoded_by_pillow(source: Path) -> Any:
    """Return the first frame as a libvips image, upright and with its colour profile.

    Raises pyvips.Error where Pillow cannot decode it either.
    """
    try:
        with Image.open(source, formats=["AVIF"]) as opened:
            upright = ImageOps.exif_transpose(opened)
            mode = "RGBA" if upright.has_transparency_data else "RGB"
            image = pyvips.Image.new_from_array(upright.convert(mode))
            profile = opened.info.get("icc_profile")
    except Exception as error:  # Pillow raises what its decoders raise
        raise pyvips.Error("not decodable") from error
    if profile:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


def decoded_heic(source: Path) -> Any:
    """Return the primary picture; raises pyvips.Error."""
    from images.formats import libheif

    return libheif.decoded(source)


def first_page(source: Path) -> Any:
    """Return a TIFF's first page, whatever else is in the file; raises pyvips.Error.

    libvips' own thumbnailing takes a later page of half the size for the same picture.
    """
    image = pyvips.Image.tiffload(str(source), page=0, access="sequential", fail_on="error")
    with mapped(source) as data:
        page = next(directories(data))
        return _seen(image, extra_samples(page), transparency(page))


def _seen(image: Any, extra: int, clear: int | None) -> Any:
    """Leave out what is neither colour nor transparency: libvips would show it as transparency."""
    if extra == (clear is not None):
        return image
    colours = image.bands - extra
    seen = image[:colours]
    return seen if clear is None else seen.bandjoin(image[colours + clear])
