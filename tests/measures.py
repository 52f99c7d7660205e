"""Measures of how alike two pictures are."""

import math

import numpy as np
from PIL import Image

_BLOCK = 8


def psnr(ours: Image.Image, reference: Image.Image) -> float:
    """Return the peak signal-to-noise ratio in decibels."""
    difference = np.asarray(ours.convert("RGB"), float) - np.asarray(
        reference.convert("RGB"), float
    )
    error = float(np.mean(difference**2))
    return 99.0 if error == 0 else 10 * math.log10(255**2 / error)


def ssim(ours: Image.Image, reference: Image.Image) -> float:
    """Return the structural similarity (Wang et al. 2004), mean over blocks of the grey picture."""
    a, b = (_blocks(each) for each in (ours, reference))
    mean_a, mean_b = a.mean(axis=1), b.mean(axis=1)
    covariance = ((a - mean_a[:, None]) * (b - mean_b[:, None])).mean(axis=1)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    of_means = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    of_shape = (2 * covariance + c2) / (a.var(axis=1) + b.var(axis=1) + c2)
    return float((of_means * of_shape).mean())


def _blocks(image: Image.Image) -> np.ndarray:
    grey = np.asarray(image.convert("L"), float)
    height, width = (size // _BLOCK * _BLOCK for size in grey.shape)
    cut = grey[:height, :width].reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    return cut.swapaxes(1, 2).reshape(-1, _BLOCK**2)


def downscale(image: Image.Image, height: int) -> Image.Image:
    """Scale a whole picture down by Pillow's Lanczos filter."""
    return image.resize(
        (round(image.width * height / image.height), height), Image.Resampling.LANCZOS
    )


def assert_alike(ours: Image.Image, reference: Image.Image, min_psnr: float = 33.0) -> None:
    """Compare size, pixels and structure."""
    assert ours.size == reference.size
    assert psnr(ours, reference) > min_psnr
    assert ssim(ours, reference) > 0.97
