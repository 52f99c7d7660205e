"""What rendering returns to the processes that asked for it, and how it fails."""

from dataclasses import dataclass
from pathlib import Path


class RenderingFailed(Exception):
    """A picture that cannot be rendered; the text is for people."""


@dataclass(frozen=True, slots=True)
class RenderedFile:
    """A thumbnail as a file: `height` as it was asked for, `width_px` and `height_px` as it is."""

    height: int
    width_px: int
    height_px: int
    path: Path
    content_type: str
    extension: str
    bytes: int
    webp: Path | None
    webp_bytes: int
    avif: Path | None
    avif_bytes: int

    @property
    def beside(self) -> dict[str, Path]:
        """The same in smaller formats, by the extensions of their files."""
        return {each.suffix[1:]: each for each in (self.webp, self.avif) if each}


@dataclass(frozen=True, slots=True)
class Placeholder:
    """What stands for a picture until it is loaded.

    `thumbhash` in base64 (evanw.github.io/thumbhash), `dominant_color` as #rrggbb.
    """

    thumbhash: str
    dominant_color: str


@dataclass(frozen=True, slots=True)
class Renderings:
    """All that was rendered of one picture, largest first.

    With `lacks_beside` what is smaller is yet to be made.
    """

    thumbnails: list[RenderedFile]
    placeholder: Placeholder | None
    lacks_beside: bool = False
