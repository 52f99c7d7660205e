"""How large a picture may be, and the refusal of a file that is not taken."""

from dataclasses import dataclass
from typing import Literal, NoReturn

# 50 Mpx is the largest phone camera in common use; imgproxy draws the same line for a whole
# animation at three times that.
MAX_TOTAL_PIXELS = 150_000_000
# Decoders cost a little for each frame however small: 20,000 frames of one pixel take a minute.
MAX_FRAMES = 500
# libjpeg stops at 65,500, WebP at 16,383; a longer side than this is a bomb or a mistake.
MAX_SIDE = 20_000
# Progressive encoders write about 10 scans; 3,000 in 260 KB cost 10 s for each decode.
MAX_SCANS = 100

Code = Literal[
    "not_an_image", "format", "too_large", "too_many_pixels", "too_many_frames",
    "too_many_scans", "too_costly", "damaged",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a picture may be: bytes of the file, pixels of a frame and of all frames."""

    max_bytes: int
    max_pixels: int
    max_total_pixels: int = MAX_TOTAL_PIXELS
    max_frames: int = MAX_FRAMES
    max_side: int = MAX_SIDE
    max_scans: int = MAX_SCANS


class RefusedPicture(ValueError):
    """A file that is not taken; `message` says why, to the uploader."""

    def __init__(self, code: Code, message: str) -> None:
        """Keep both; the message holds no library's text."""
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        """Return the message."""
        return self.message


NOT_AN_IMAGE = "This is not a picture."
DAMAGED = "The picture is damaged or incomplete."
UNSUPPORTED = "{name} pictures are not taken."
UNSUPPORTED_FILE = "{name} files are not taken."
UNSUPPORTED_KIND = "{name} pictures of this kind are not taken."


def refuse_format(name: str) -> NoReturn:
    """Raise RefusedPicture for a format that people do send and that is not taken."""
    raise RefusedPicture("format", UNSUPPORTED.format(name=name))


def refuse_size(width: int, height: int, frames: int, limits: Limits) -> None:
    """Raise RefusedPicture when a size in pixels, or so many frames of it, exceeds a limit."""
    if width * height > limits.max_pixels:
        raise RefusedPicture("too_many_pixels", f"More than {limits.max_pixels} pixels.")
    if max(width, height) > limits.max_side:
        raise RefusedPicture("too_many_pixels", f"A side of more than {limits.max_side} pixels.")
    if frames > limits.max_frames:
        raise RefusedPicture("too_many_frames", f"More than {limits.max_frames} frames.")
    if width * height * frames > limits.max_total_pixels:
        reason = f"More than {limits.max_total_pixels} pixels in all frames."
        raise RefusedPicture("too_many_frames", reason)
