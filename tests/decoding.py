"""The decoders in the test's own process: what the sandbox does, where a test can look."""

from collections.abc import Sequence
from pathlib import Path

from images.formats import inspect as inspection
from images.formats.facts import Facts
from images.formats.limits import Limits
from images.metadata.strip import strip as strip_content
from thumbnails.rendering.render import render, render_as_jpeg
from thumbnails.renderings import RenderedFile, Renderings


def inspect(path: Path, limits: Limits) -> Facts:
    return inspection.inspect(path.read_bytes(), limits)


def identify(path: Path, limits: Limits) -> Facts:
    return inspection.identify(path.read_bytes(), limits)


def strip(source: Path, target: Path, format_name: str) -> bool:
    """Write the stripped copy, if there is one."""
    stripped = strip_content(source.read_bytes(), format_name)
    if stripped is not None:
        target.write_bytes(stripped)
    return stripped is not None


def render_thumbnails(
    source: Path, heights: Sequence[int], into: Path, *, quality: int = 80
) -> Renderings:
    """Write what `thumbnails.sandbox_work.render_thumbnails` writes."""
    encoded, placeholder = render(source.read_bytes(), heights, quality)
    files = []
    for each in encoded:
        path = into / f"{each.height}.{each.format.extension}"
        path.write_bytes(each.content)
        webp = path.with_suffix(".webp") if each.webp else None
        avif = path.with_suffix(".avif") if each.avif else None
        for beside, content in ((webp, each.webp), (avif, each.avif)):
            if beside and content:
                beside.write_bytes(content)
        files.append(
            RenderedFile(
                height=each.height,
                width_px=each.width_px,
                height_px=each.height_px,
                path=path,
                content_type=each.format.content_type,
                extension=each.format.extension,
                bytes=len(each.content),
                webp=webp,
                webp_bytes=len(each.webp or b""),
                avif=avif,
                avif_bytes=len(each.avif or b""),
            )
        )
    return Renderings(files, placeholder)


def render_jpeg(
    source: Path, target: Path, *, width: int | None = None, quality: int = 85
) -> tuple[int, int]:
    """Write what `thumbnails.sandbox_work.render_jpeg` writes."""
    content, *size = render_as_jpeg(source.read_bytes(), width, quality)
    target.write_bytes(content)
    return size[0], size[1]
