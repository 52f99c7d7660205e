"""Pixels that this worker has rendered thumbnails of, kept for what is to lie beside those.

For some seconds and not many: of a picture whose pixels are not kept the original is decoded once
more.
"""

import os
import threading
import time
from dataclasses import dataclass

from images.pixels import Pixels
from thumbnails.claims import BESIDE_PATIENCE

# Fifty pictures of 400 pixels in height, as files without a name.
MAX_BYTES = 32 * 1024**2
MAX_PICTURES = 200


@dataclass(frozen=True, slots=True)
class _Kept:
    pixels: Pixels
    since: float


class KeptPixels:
    """Pixels by their pictures, the oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[int, _Kept] = {}
        self._bytes = 0

    def keep(self, picture_id: int, pixels: Pixels) -> None:
        """Keep a copy of open pixels, unless too many are kept."""
        with self._lock:
            is_full = self._bytes + pixels.shape.bytes > MAX_BYTES
            if is_full or len(self._kept) >= MAX_PICTURES or picture_id in self._kept:
                return
            file = os.fdopen(os.dup(pixels.file.fileno()), "rb", buffering=0)
            self._kept[picture_id] = _Kept(Pixels(pixels.shape, file), time.monotonic())
            self._bytes += pixels.shape.bytes

    def oldest(self) -> int | None:
        """Return the picture whose pixels are kept longest; None where none are."""
        with self._lock:
            return next(iter(self._kept), None)

    def patience(self, picture_id: int) -> float:
        """Return for how many seconds more a picture may wait for uploads."""
        with self._lock:
            kept = self._kept.get(picture_id)
            if kept is None:
                return 0
            end = kept.since + BESIDE_PATIENCE.total_seconds()
            return max(0.0, end - time.monotonic())

    def take(self, picture_id: int) -> Pixels | None:
        """Return a picture's pixels, which are kept no longer: the caller closes the file."""
        with self._lock:
            kept = self._kept.pop(picture_id, None)
            if kept is None:
                return None
            self._bytes -= kept.pixels.shape.bytes
            return kept.pixels

    def drop(self, picture_id: int) -> None:
        """Keep a picture's pixels no longer."""
        if pixels := self.take(picture_id):
            pixels.file.close()


kept_pixels = KeptPixels()
