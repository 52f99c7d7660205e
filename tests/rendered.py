"""What tests of decoding and rendering share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pyvips
from PIL import Image

from images.formats import avif
from tests.decoding import render_thumbnails
from tests.pictures import open_image


@pytest.fixture
def render_one(tmp_path: Path) -> Callable[[bytes, int], Image.Image]:
    """Return a function that renders bytes at one height and opens the thumbnail."""

    def render(content: bytes, height: int) -> Image.Image:
        source = tmp_path / "source"
        source.write_bytes(content)
        [made] = render_thumbnails(source, [height], tmp_path).thumbnails
        return open_image(made.path)

    return render


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """The calls that decode a file; opening one without `access` reads its header alone."""
    found = []
    for call in ("thumbnail_source", "webpload_source", "new_from_source"):
        real = getattr(pyvips.Image, call)

        def counted(
            *args: Any, real: Callable[..., pyvips.Image] = real, call: str = call, **options: Any
        ) -> pyvips.Image:
            if call == "thumbnail_source" or "access" in options:
                found.append(args)
            return real(*args, **options)

        monkeypatch.setattr(pyvips.Image, call, counted)

    decode_by_pillow = avif._decode_by_pillow

    def counted_by_pillow(*args: Any) -> pyvips.Image:
        found.append(args)
        return decode_by_pillow(*args)

    monkeypatch.setattr(avif, "_decode_by_pillow", counted_by_pillow)
    return found
