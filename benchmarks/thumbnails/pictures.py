"""Pictures to render, drawn like photographs: large shapes, small ones, and a sensor's grain."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

SIZES = {12: (4000, 3000), 24: (6000, 4000)}
# So much that 12 MP make a JPEG of 3 to 4 MB, as a telephone's do.
GRAIN = 6
FORMATS: dict[str, dict[str, Any]] = {
    "jpg": {"quality": 90},
    "png": {"compress_level": 6},
    "webp": {"quality": 85},
}


def draw_all(folder: Path) -> dict[str, Path]:
    """Write every size in every format; returns paths by names like "12 MP jpg"."""
    drawn = {}
    with tqdm(total=len(SIZES) * len(FORMATS), desc="drawing pictures", leave=False) as bar:
        for megapixels, size in SIZES.items():
            image = photograph(*size)
            for extension, options in FORMATS.items():
                path = folder / f"{megapixels}.{extension}"
                image.save(path, **options)
                drawn[f"{megapixels} MP {extension}"] = path
                bar.update()
    return drawn


def photograph(width: int, height: int, seed: int = 1) -> Image.Image:
    """Draw noise whose power falls with its frequency, as in nature, and grain over it."""
    chance = np.random.default_rng(seed)
    light = _octaves(chance, width, height)
    bands = [0.8 * light + 0.2 * _octaves(chance, width, height) for _ in range(3)]
    pixels = np.stack(bands, axis=2)
    pixels = 255 * (pixels - pixels.min()) / (pixels.max() - pixels.min())
    pixels += chance.normal(0, GRAIN, (height, width, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _octaves(chance: np.random.Generator, width: int, height: int) -> np.ndarray:
    total = np.zeros((height, width), np.float32)
    longest = max(width, height)
    for octave in range(2, longest.bit_length()):
        size = max(2, (width << octave) // longest), max(2, (height << octave) // longest)
        noise = Image.fromarray(chance.standard_normal(size[::-1]).astype(np.float32))
        total += np.asarray(noise.resize((width, height), Image.Resampling.BILINEAR)) / 2**octave
    return total
