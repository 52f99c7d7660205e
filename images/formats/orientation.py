"""How pictures are turned upright: by the orientation that their codec reads, nobody else's."""

from typing import Any

import pyvips

from images.formats.exif import SWAPS_SIDES, UPRIGHT


def with_orientation(image: Any, orientation: int) -> Any:
    """Return an image that libvips will turn by an orientation, whatever it has read itself."""
    if _orientation(image) == orientation:
        return image
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image


def turn_upright(image: Any, orientation: int) -> Any:
    """Turn an image that is still as it is stored; it is decoded into memory for that."""
    if orientation == UPRIGHT:
        return image
    return with_orientation(image.copy_memory(), orientation).autorot()


def swaps_sides(header: Any) -> bool:
    """Tell whether width and height are swapped when the orientation is applied."""
    return _orientation(header) in SWAPS_SIDES


def turn_frames_upright(strip: Any, orientation: int) -> Any:
    """Turn every frame of a tall strip, in their order; raises pyvips.Error.

    A strip that has to be turned is decoded into memory, since a turn reads a frame from any end.
    """
    if orientation == UPRIGHT:
        return with_orientation(strip, UPRIGHT)
    lying, height = strip.copy_memory(), strip.get_page_height()
    starts = range(0, lying.height, height)
    crops = (lying.crop(0, start, lying.width, height) for start in starts)
    frames = [with_orientation(each, orientation).autorot() for each in crops]
    upright = pyvips.Image.arrayjoin(frames, across=1).copy()
    upright.set("page-height", frames[0].height)
    return upright


def _orientation(image: Any) -> int:
    there = image.get_typeof("orientation") != 0
    return int(image.get("orientation")) if there else UPRIGHT
