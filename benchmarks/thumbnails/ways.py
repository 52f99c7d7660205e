"""The ways to make thumbnails of heights 400 and 200 that Python can go, each as a function."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

HEIGHTS = (400, 200)
QUALITY = 80
Way = Callable[[Path, Path], object]


def render_ours(source: Path, into: Path) -> None:
    """As the worker does it: JPEG, WebP and AVIF where smaller, ThumbHash and dominant colour."""
    from thumbnails.rendering.render import render

    encoded, _ = render(source.read_bytes(), HEIGHTS, QUALITY)
    for each in encoded:
        path = into / f"{each.height}.{each.format.extension}"
        path.write_bytes(each.content)
        for extension, content in (("webp", each.webp), ("avif", each.avif)):
            if content:
                path.with_suffix(f".{extension}").write_bytes(content)


def render_jpeg_only(source: Path, into: Path) -> None:
    """As the worker does it, but JPEG alone: what the others do too."""
    from images.formats.resizing import ANY_WIDTH, resize
    from thumbnails.rendering.encoding import encode_jpeg, flatten_on_white

    image = resize(source.read_bytes(), height=HEIGHTS[0]).copy_memory()
    for height in HEIGHTS:
        if image.height > height:
            image = image.thumbnail_image(ANY_WIDTH, height=height, size="down").copy_memory()
        path = into / f"{height}.jpg"
        path.write_bytes(encode_jpeg(flatten_on_white(image), QUALITY))


def render_by_pillow(source: Path, into: Path) -> None:
    """As most code does it: the whole picture, resized once for each height."""
    for height in HEIGHTS:
        with Image.open(source) as opened:
            size = opened.width * height // opened.height, height
            small = opened.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        small.save(into / f"{height}.jpg", quality=QUALITY)


def decode_only(source: Path, into: Path) -> None:
    """Decode alone, scaled to 800 pixels or more where the format can, and write nothing.

    By the faster decoder: Pillow's of JPEG, libvips' of PNG and WebP.
    """
    with Image.open(source) as opened:
        if opened.format == "JPEG":
            opened.draft("RGB", (opened.width * 800 // opened.height, 800))
            opened.load()
            return
        scale = {"scale": 800 / opened.height} if opened.format == "WEBP" else {}
    import pyvips

    pyvips.cache_set_max(0)
    lines = pyvips.Image.new_from_file(str(source), access="sequential", **scale)
    # They are decoded in their order: the last one after all others.
    lines.crop(0, lines.height - 1, lines.width, 1).copy_memory()


WAYS: dict[str, Way] = {
    "ours": render_ours,
    "ours, JPEG": render_jpeg_only,
    "pillow": render_by_pillow,
    "floor": decode_only,
}
