"""What becomes of one hostile file, all the way: looked at, cleaned, rendered."""

from pathlib import Path

from images.exceptions import PictureTooCostly
from images.formats.inspect import Limits, RefusedPicture, inspect
from images.metadata.strip import CleaningFailed, clean
from images.sandbox.pool import run_sandboxed
from images.sandbox.work_dir import temporary_dir
from thumbnails.rendering import RenderingFailed, render

LIMITS = Limits(max_bytes=15 * 1024 * 1024, max_pixels=50_000_000)


def outcome_of(content: bytes) -> str:
    """Return how it ended; raises only what nobody foresaw."""
    with temporary_dir() as name:
        folder = Path(name)
        source = folder / "source"
        source.write_bytes(content)
        try:
            facts = run_sandboxed(inspect, source, LIMITS)
        except RefusedPicture as refused:
            return f"refused: {refused.code}"
        except PictureTooCostly:
            return "refused: killed its decoder"
        return f"taken, {_cleaned(source, folder, facts.format)}, {_rendered(source, folder)}"


def _cleaned(source: Path, folder: Path, fmt: str) -> str:
    try:
        run_sandboxed(clean, source, folder / "clean", fmt)
    except (CleaningFailed, PictureTooCostly):
        return "stays with its owner"
    return "clean"


def _rendered(source: Path, folder: Path) -> str:
    try:
        run_sandboxed(render, source, [200, 400], folder)
    except (RenderingFailed, PictureTooCostly):
        return "not rendered"
    return "rendered"
