"""What becomes of one hostile file, all the way: inspected, stripped of metadata, rendered."""

from pathlib import Path

from images.exceptions import PictureTooCostly, StrippingFailed
from images.formats.limits import Limits, RefusedPicture
from images.sandbox.work import inspect_picture, strip_metadata
from images.sandbox.work_dir import temporary_dir
from thumbnails.renderings import RenderingFailed
from thumbnails.sandbox_work import render_thumbnails

LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)


def outcome_of(content: bytes) -> str:
    """Return the outcome; raises what nobody foresaw."""
    with temporary_dir() as name:
        folder = Path(name)
        source = folder / "source"
        source.write_bytes(content)
        try:
            facts = inspect_picture(source, LIMITS)
        except RefusedPicture as refused:
            return f"refused: {refused.code}"
        except PictureTooCostly:
            return "refused: killed its decoder"
        return f"taken, {_strip(source, folder, facts.format)}, {_render(source, folder)}"


def _strip(source: Path, folder: Path, format_name: str) -> str:
    try:
        strip_metadata(source, folder / "stripped", format_name)
    except (StrippingFailed, PictureTooCostly):
        return "stays with its owner"
    return "stripped"


def _render(source: Path, folder: Path) -> str:
    try:
        render_thumbnails(source, [200], folder)
    except (RenderingFailed, PictureTooCostly):
        return "not rendered"
    return "rendered"
