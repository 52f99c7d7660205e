"""Pictures that libvips' decoder does not know and Pillow's does: some kinds of AVIF."""

from pathlib import Path
from typing import Any

import pyvips
from PIL import Image, ImageOps


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
