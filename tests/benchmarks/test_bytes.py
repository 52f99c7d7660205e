"""Bytes are compared at an equal likeness, which falls with the quality."""

import pyvips

from benchmarks.bytes import ENCODERS, at_likeness, ssim
from tests.pictures import waves


def test_likeness_falls_with_the_quality_and_bytes_with_it() -> None:
    picture = pyvips.Image.new_from_array(waves(160, 120)).copy(interpretation="srgb")
    save = ENCODERS["JPEG, ours"]
    alike = [ssim(picture, save(picture, quality)) for quality in (10, 50, 95)]
    assert alike == sorted(alike)
    assert 0.9 < alike[-1] <= 1 > alike[0]
    assert ssim(picture, picture.pngsave_buffer()) == 1
    small, large = (at_likeness(save, [picture], each)[0] for each in (0.99, 0.995))
    assert small < large
