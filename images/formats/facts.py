"""What an inspection finds out about a picture."""

from dataclasses import dataclass, field

from images.formats.registry import Format


@dataclass(frozen=True, slots=True)
class Facts:
    """What a picture is; width and height in pixels as it is shown (orientation applied).

    `is_cleanable` tells of an upload whether its metadata can be removed; None where finding out
    takes more than is done beside the inspection.
    """

    format: str
    width: int
    height: int
    frames: int
    extension: str
    content_type: str
    has_alpha: bool
    is_cleanable: bool | None = field(default=True, compare=False)


def facts_of(
    fmt: Format, size: tuple[int, int], *, frames: int = 1, has_alpha: bool = False
) -> Facts:
    """Return the facts of a picture of a format."""
    return Facts(fmt.name, *size, frames, fmt.extension, fmt.content_type, has_alpha)
