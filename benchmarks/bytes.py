"""`./dev bench bytes [SSIM]`: bytes and CPU of thumbnails by each encoder, at an equal likeness.

Photographs of the corpus at 400 pixels of height, encoded by libvips with our settings and with
those that sharp gives it (`mozjpeg: true`; WebP at effort 4), and as AVIF. Likeness is the mean
SSIM (Wang et al. 2004, K1 0.01, K2 0.03) of 8×8 windows of the grey picture, by numpy; each
encoder's quality is chosen, and its bytes interpolated, to reach it.
"""

import csv
import io
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from PIL import Image

from benchmarks.tables import note, show
from images.formats.resizing import resize

CORPUS = Path(__file__).resolve().parent.parent.parent / "shared" / "corpus"
LIKENESS, HEIGHT, MOST_PHOTOGRAPHS, LEAST_PIXELS = 0.97, 400, 12, 1_500_000
_C1, _C2, _WINDOW = (0.01 * 255) ** 2, (0.03 * 255) ** 2, 8
_QUALITIES = range(45, 100, 6)
_MOZJPEG = {"trellis_quant": True, "overshoot_deringing": True, "optimize_scans": True,
            "interlace": True, "quant_table": 3}  # fmt: skip
Save = Callable[[Any, int], bytes]
ENCODERS: dict[str, Save] = {
    "JPEG, ours": lambda image, q: image.jpegsave_buffer(Q=q, optimize_coding=True, keep="none"),
    "JPEG, trellis": lambda image, q: image.jpegsave_buffer(
        Q=q, optimize_coding=True, trellis_quant=True, overshoot_deringing=True, keep="none"
    ),
    "JPEG, sharp's mozjpeg": lambda image, q: image.jpegsave_buffer(
        Q=q, optimize_coding=True, keep="none", **_MOZJPEG
    ),
    "WebP, ours": lambda image, q: image.webpsave_buffer(Q=q, effort=2, keep="none"),
    "WebP, sharp's": lambda image, q: image.webpsave_buffer(Q=q, effort=4, keep="none"),
    "AVIF, effort 0": lambda image, q: image.heifsave_buffer(
        Q=q, effort=0, compression="av1", keep="none"
    ),
    "AVIF, effort 1": lambda image, q: image.heifsave_buffer(
        Q=q, effort=1, compression="av1", keep="none"
    ),
}


def main() -> int:
    """Print a row for each encoder."""
    likeness = float(sys.argv[1]) if len(sys.argv) > 1 else LIKENESS
    pyvips.vips_lib.vips_concurrency_set(1)
    began = time.process_time()
    pictures = [resize(each.read_bytes(), height=HEIGHT).copy_memory() for each in photographs()]
    if not pictures:
        note("NOT RUN: no photographs at ../shared/corpus")
        return 1
    decoding = (time.process_time() - began) / len(pictures) * 1e3
    note(f"{len(pictures)} photographs, {decoding:.1f} ms of CPU to decode and resize each")
    rows = {}
    for name, save in ENCODERS.items():
        size, milliseconds = at_likeness(save, pictures, likeness)
        rows[name] = {"bytes": size, "CPU ms": milliseconds}
    show(f"Thumbnails {HEIGHT} pixels high at SSIM {likeness}", rows)
    return 0


def photographs() -> list[Path]:
    """Return large JPEGs of the corpus that are in colour."""
    if not (CORPUS / "MANIFEST.csv").exists():
        return []
    with (CORPUS / "MANIFEST.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["expectation"] == "accept"]
    large = [
        CORPUS / row["path"]
        for row in rows
        if row["format"] == "JPEG" and int(row["width"]) * int(row["height"]) >= LEAST_PIXELS
    ]
    return large[:MOST_PHOTOGRAPHS]


def at_likeness(save: Save, pictures: list[Any], likeness: float) -> tuple[float, float]:
    """Return the mean bytes at a likeness, and the mean CPU time of one encoding."""
    points, began, count = [], time.process_time(), 0
    encoding = 0.0
    for quality in _QUALITIES:
        began = time.process_time()
        files = [save(each, quality) for each in pictures]
        encoding, count = encoding + time.process_time() - began, count + len(files)
        alike = np.mean([ssim(*each) for each in zip(pictures, files, strict=True)])
        points.append((float(alike), float(np.mean([len(each) for each in files]))))
    for (low, small), (high, large) in pairwise(points):
        if low <= likeness <= high:
            share = (likeness - low) / (high - low)
            return small + share * (large - small), encoding / count * 1e3
    return float("nan"), encoding / count * 1e3


def ssim(picture: Any, file: bytes) -> float:
    """Return how alike a picture and what an encoder made of it are, from 0 to 1."""
    before = _grey(Image.fromarray(picture.numpy().squeeze()))
    with Image.open(io.BytesIO(file)) as image:
        after = _grey(image)
    mean_a, mean_b = _means(before), _means(after)
    variances = _means(before**2) - mean_a**2 + _means(after**2) - mean_b**2
    covariance = _means(before * after) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + _C1) * (2 * covariance + _C2)
    return float((likeness / ((mean_a**2 + mean_b**2 + _C1) * (variances + _C2))).mean())


def _grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L"), float)


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of every window."""
    sums = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    n = _WINDOW
    found = sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]
    return np.asarray(found / n**2)


if __name__ == "__main__":
    sys.exit(main())
