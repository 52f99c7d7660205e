"""What `images.sandbox.pool.run_sandboxed` runs to render pictures.

The functions import the decoders when they run, so that naming them loads none.
"""

from collections.abc import Sequence
from pathlib import Path

from thumbnails.renderings import Renderings


def render_thumbnails(
    source: Path, heights: Sequence[int], into: Path, *, quality: int = 80
) -> Renderings:
    """Write one file for each height (pixels) into a folder; raises RenderingFailed.

    A picture that is less high is not enlarged. Animated GIF and WebP stay animated; transparency
    is kept as PNG; everything else becomes JPEG. A WebP is written beside it where that is smaller.
    Without heights the placeholder alone is made.
    """
    from thumbnails.rendering.render import render

    return render(source, heights, into, quality)


def render_jpeg(
    source: Path, target: Path, *, width: int | None = None, quality: int = 85
) -> tuple[int, int]:
    """Write the first frame as JPEG, fit to a width (pixels) and never enlarged, on white.

    Returns its width and height; raises RenderingFailed.
    """
    from thumbnails.rendering.render import save_jpeg

    return save_jpeg(source, target, width, quality)
