"""The entrance of the program that decodes: which operations there are, and nothing besides.

`images.sandbox.template` starts this file as a script, so that nothing else of this package, no
setting and no secret is loaded.
"""

import os
import sys
from pathlib import Path

# Isolated from its environment, Python knows the installed packages alone.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from images.sandbox import decoder


def load() -> decoder.Operations:
    """Load the decoders, and return the table of what they can be asked for."""
    # A library that uses numpy where it is installed, though nothing here does: it starts threads,
    # which a fork does not have.
    sys.modules["numpy"] = None  # type: ignore[assignment]  # as Python marks what is not there
    import pyvips

    from images.sandbox import operations as images
    from thumbnails.rendering import operations as thumbnails

    # Two pictures on two cores cost less than one picture's threads.
    pyvips.vips_lib.vips_concurrency_set(1)
    return {
        "inspect": images.inspect_picture,
        "strip": images.strip_metadata,
        "dropped": images.list_dropped,
        "render_thumbnails": thumbnails.render_thumbnails,
        "render_pixels": thumbnails.render_pixels,
        "render_beside": thumbnails.render_beside,
        "render_beside_pixels": thumbnails.render_beside_pixels,
        "render_jpeg": thumbnails.render_jpeg,
    }


def use(operations: decoder.Operations) -> None:
    """Do each operation once with a picture of ours, so that nothing is done for the first time."""
    import pyvips

    grey = pyvips.Image.black(64, 48)
    limits = {"max_bytes": 10_000, "max_pixels": 10_000}
    with Path(os.devnull).open("wb") as file:
        output = decoder.Output(file.fileno())
        for content in (grey.bandjoin([grey, grey]).jpegsave_buffer(), grey.pngsave_buffer()):
            size = {"height": 24, "max_pixel_bytes": 10_000}
            inspection = {"limits": limits, "is_upload": True, **size}
            operations["inspect"](content, inspection, output)
            operations["render_thumbnails"](content, {"heights": [24, 12], "quality": 80}, output)
        shape = {"width": 4, "height": 4, "bands": 3}
        operations["render_pixels"](bytes(48), {**shape, "heights": [4, 2], "quality": 80}, output)
        beside = {"sizes": [[4, 1], [2, 1]], "quality": 80}
        operations["render_beside_pixels"](bytes(48), shape | beside, output)
        operations["render_beside"](content, beside, output)
        operations["strip"](content, {"format_name": "PNG"}, output)
        operations["dropped"](content, {"format_name": "PNG", "is_rendition": True}, output)
        operations["render_jpeg"](content, {"width": None, "quality": 80}, output)


if __name__ == "__main__":
    decoder.main(load, use, sys.argv[1:])
