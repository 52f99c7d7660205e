"""Drawn photographs of 12 megapixels in every format, kept between runs, since drawing takes long.

They lie in the user's cache folder under a mark of the code that drew them.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pillow_heif

from benchmarks.thumbnails import pictures

SIZE = (4000, 3000)
# As telephones and cameras write them, where an encoder does that in a few seconds.
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    "JPEG": ("jpg", {"quality": 90}),
    "PNG": ("png", {"compress_level": 1}),
    "WebP": ("webp", {"quality": 85, "method": 0}),
    "AVIF": ("avif", {"quality": 75, "speed": 10}),
    "HEIC": ("heic", {"quality": 70, "enc_params": {"preset": "ultrafast"}}),
}


def photographs() -> dict[str, Path]:
    """Return a picture's file by the names of formats, drawn where it is not there yet."""
    with _locked(_folder()) as folder:
        found = {name: folder / f"12.{extension}" for name, (extension, _) in FORMATS.items()}
        if missing := [name for name, path in found.items() if not path.exists()]:
            _draw({name: found[name] for name in missing})
        return found


def _folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    code = Path(__file__).read_bytes() + Path(pictures.__file__).read_bytes()
    return Path(cache) / "tintype-bench" / hashlib.sha256(code).hexdigest()[:16]


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    """Let one run draw while others wait."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(handle)


def _draw(wanted: dict[str, Path]) -> None:
    pillow_heif.register_heif_opener()
    image = pictures.photograph(*SIZE)
    for name, path in wanted.items():
        extension, options = FORMATS[name]
        unfinished = path.with_name(f"unfinished.{extension}")
        image.save(unfinished, **options)
        unfinished.rename(path)
