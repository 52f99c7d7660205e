"""A picture's EXIF orientation, and how an animation's frames are turned upright."""

from typing import Any

import pyvips

_UPRIGHT, _FIRST_SWAPPING = 1, 5


def swaps_sides(header: Any) -> bool:
    """Tell whether width and height are swapped when the orientation is applied."""
    return _orientation(header) >= _FIRST_SWAPPING


def turn_frames_upright(strip: Any) -> Any:
    """Turn every frame of a tall strip, in their order; raises pyvips.Error.

    A strip that has to be turned is decoded into memory, since a turn reads a frame from any end.
    """
    if _orientation(strip) == _UPRIGHT:
        return strip
    lying, height = strip.copy_memory(), strip.get_page_height()
    starts = range(0, lying.height, height)
    frames = [lying.crop(0, start, lying.width, height).autorot() for start in starts]
    upright = pyvips.Image.arrayjoin(frames, across=1).copy()
    upright.set("page-height", frames[0].height)
    return upright


def _orientation(image: Any) -> int:
    there = image.get_typeof("orientation") != 0
    return int(image.get("orientation")) if there else _UPRIGHT
