"""Bytes are compared at an equal likeness, which falls with the quality."""

import numpy as np
import pytest
import pyvips

from benchmarks.bytes import find_point, ours, ssim, ssim_of
from tests.pictures import waves


@pytest.mark.unhurried
def test_likeness_falls_with_the_quality_and_bytes_with_it() -> None:
    picture = pyvips.Image.new_from_array(waves(160, 120)).copy(interpretation="srgb")
    for save in ours().values():
        alike = [ssim(picture, save(picture, quality)[0]) for quality in (10, 50, 95)]
        assert alike == sorted(alike)
        assert 0.9 < alike[-1] <= 1 > alike[0]
        small, large = (find_point(save, [picture], each) for each in (0.985, 0.99))
        assert small.size < large.size
        assert small.quality <= large.quality
    assert ssim(picture, picture.pngsave_buffer()) == pytest.approx(1)


def test_likeness_is_that_of_scikit_image() -> None:
    """Of version 0.25.2: `skimage.metrics.structural_similarity(before, after)`."""
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 256, (40, 60))
    noisier = np.clip(noise + rng.integers(-30, 30, noise.shape), 0, 255)
    ramp = np.tile(np.arange(0, 240, 4), (40, 1))
    assert ssim_of(noise.astype(float), noisier.astype(float)) == pytest.approx(0.975845750497137)
    steps = ramp // 16 * 16 + 8
    assert ssim_of(ramp.astype(float), steps.astype(float)) == pytest.approx(0.903969993290741)
