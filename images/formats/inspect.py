"""What an uploaded file really is: told from its content, within limits, and proven whole.

Pure: a path in, facts out. The header decides first, so that a bomb is refused before anything is
decoded; then a decode shows that no byte of the picture is missing.
"""

import mmap
from pathlib import Path

import pyvips
from PIL import Image

from images.formats import heif, tiff_pages
from images.formats.exif import SIDEWAYS, orientation_in
from images.formats.facts import Facts, facts_of
from images.formats.limits import (
    DAMAGED,
    NOT_AN_IMAGE,
    Limits,
    RefusedPicture,
    refuse_size,
)
from images.formats.registry import (
    CONTENT_TYPES,
    EXTENSIONS,
    HEAD_BYTES,
    refused_format,
    sniff,
)
from images.formats.scan import (
    gif_frames,
    jpeg_is_ended,
    jpeg_scans,
    mapped,
    webp_canvas,
)

__all__ = [
    "CONTENT_TYPES", "EXTENSIONS", "Facts", "Limits", "RefusedPicture", "identify", "inspect",
    "prove",
]  # fmt: skip

# Our own limits are stricter and count frames too; Pillow's would only warn.
Image.MAX_IMAGE_PIXELS = None
# Load every plugin now: a sandboxed process can open no file of theirs later.
Image.init()
_ALPHA_MODES = frozenset({"RGBA", "LA", "PA", "RGBa", "La"})
_JPEG_SHRINK = 8
# Formats that Pillow does not describe; the others are opened by it.
_DESCRIBED = {"HEIC": heif.described, "TIFF": tiff_pages.described}


def inspect(path: Path, limits: Limits) -> Facts:
    """Return what a whole picture within the limits is; raises RefusedPicture, nothing else."""
    facts = identify(path, limits)
    prove(path, facts)
    return facts


def identify(path: Path, limits: Limits) -> Facts:
    """Read the header alone; raises RefusedPicture for what is no picture or exceeds a limit."""
    size = path.stat().st_size
    if size > limits.max_bytes:
        raise RefusedPicture("too_large", f"More than {limits.max_bytes} bytes.")
    if not size:
        raise RefusedPicture("not_an_image", "The file is empty.")
    with mapped(path) as data:
        name = _format_of(data[:HEAD_BYTES])
        if name in _DESCRIBED:
            return _within(_DESCRIBED[name](path, data, limits), limits)
        frames = _counted(name, data, limits)
    return _within(_described(path, name, frames, limits), limits)


def prove(path: Path, facts: Facts) -> None:
    """Decode every frame, JPEG scaled down; raises RefusedPicture where a byte is missing."""
    try:
        if facts.format in _PROVED:
            _PROVED[facts.format](path, facts)
        elif facts.format == "AVIF" or (facts.format == "PNG" and facts.frames > 1):
            _prove_frames(path, facts)
        else:
            _prove_whole(path, facts)
    except RefusedPicture:
        raise
    except Exception as error:  # decoders raise IndexError, SyntaxError, struct.error and more
        raise RefusedPicture("damaged", DAMAGED) from error


def _format_of(head: bytes) -> str:
    name = sniff(head)
    if name:
        return name
    other = refused_format(head)
    if other:
        raise RefusedPicture("format", f"{other} pictures are not taken.")
    raise RefusedPicture("not_an_image", NOT_AN_IMAGE)


def _counted(name: str, data: mmap.mmap, limits: Limits) -> int | None:
    """Count frames where Pillow would decode or allocate to know them; refuse too many scans."""
    if name == "JPEG":
        if jpeg_scans(data, limits.max_scans) > limits.max_scans:
            raise RefusedPicture("too_many_scans", f"More than {limits.max_scans} scans.")
        return 1
    if name == "GIF":
        frames, ended = gif_frames(data, limits.max_frames)
        if not ended:
            raise RefusedPicture("damaged", DAMAGED)
        return frames or 1
    if name == "WEBP":
        canvas = webp_canvas(data)
        if canvas is None:
            raise RefusedPicture("damaged", DAMAGED)
        refuse_size(canvas.width, canvas.height, canvas.frames, limits)
        return canvas.frames
    return None


def _described(path: Path, name: str, frames: int | None, limits: Limits) -> Facts:
    try:
        with Image.open(path, formats=[name]) as image:
            width, height = image.size
            refuse_size(width, height, 1, limits)
            if orientation_in(image) in SIDEWAYS:
                width, height = height, width
            alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
            counted = frames or int(getattr(image, "n_frames", 1))
    except RefusedPicture:
        raise
    except Exception as error:  # Pillow raises IndexError, SyntaxError, struct.error and more
        raise RefusedPicture("damaged", DAMAGED) from error
    return facts_of(name, (width, height), frames=counted, has_alpha=alpha)


def _within(facts: Facts, limits: Limits) -> Facts:
    refuse_size(facts.width, facts.height, facts.frames, limits)
    return facts


def _prove_jpeg(path: Path, facts: Facts) -> None:
    """Decode to an eighth: every bit of entropy-coded data is read all the same."""
    shrink = _JPEG_SHRINK if min(facts.width, facts.height) >= 2 * _JPEG_SHRINK else 1
    image = pyvips.Image.jpegload(
        str(path), shrink=shrink, access="sequential", fail_on="truncated"
    )
    image.avg()
    with mapped(path) as data:
        if not jpeg_is_ended(data):
            raise RefusedPicture("damaged", DAMAGED)


def _prove_frames(path: Path, facts: Facts) -> None:
    """Decode frame by frame what libvips knows the first frame of, or not every kind of."""
    with Image.open(path, formats=[facts.format]) as image:
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            image.load()


def _prove_heic(path: Path, facts: Facts) -> None:
    from images.formats import libheif

    image = libheif.decoded(path)
    if (image.width, image.height) != (facts.width, facts.height):
        raise RefusedPicture("damaged", DAMAGED)


def _prove_pages(path: Path, facts: Facts) -> None:
    for page in range(facts.frames):
        pyvips.Image.tiffload(str(path), page=page, access="sequential", fail_on="error").avg()


def _prove_whole(path: Path, facts: Facts) -> None:
    loader = {"PNG": "pngload", "WEBP": "webpload", "GIF": "gifload"}
    every = {} if facts.format == "PNG" else {"n": -1}
    load = getattr(pyvips.Image, loader[facts.format])
    load(str(path), access="sequential", fail_on="truncated", **every).avg()


_PROVED = {"JPEG": _prove_jpeg, "HEIC": _prove_heic, "TIFF": _prove_pages}
