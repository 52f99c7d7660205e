"""What a picture is, once it was looked at."""

from dataclasses import dataclass

from images.formats.registry import FORMATS


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture is; width and height in pixels as it is shown (orientation applied)."""

    format: str
    width: int
    height: int
    frames: int
    extension: str
    content_type: str
    has_alpha: bool


def facts_of(name: str, size: tuple[int, int], *, frames: int, has_alpha: bool) -> Facts:
    """Return the facts of a picture of a format that is taken."""
    taken = FORMATS[name]
    return Facts(name, *size, frames, taken.extension, taken.content_type, has_alpha)
