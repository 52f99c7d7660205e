"""A short seeded run of the fuzzer; `./dev bench fuzz` is the long one."""

import random

import pytest

from benchmarks.fuzzing import outcome_of
from benchmarks.mutations import mutate
from images.sandbox.work_dir import work_dir
from tests.pictures import BLUE, RED, animation, encode, exif, quarters

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIC", "TIFF")
SEEDS = [
    *(encode(quarters(40, 30), name, exif=exif(6)) for name in FORMATS),
    *(animation(name, [RED, BLUE], [50, 60]) for name in ("GIF", "WEBP", "PNG")),
    encode(quarters(40, 30), "JPEG", progressive=True),
    encode(quarters(40, 30), "HEIC", exif=exif(6)),
    *(encode(quarters(40, 30), "TIFF", compression=each) for each in ("jpeg", "tiff_lzw")),
]


@pytest.mark.nightly
def test_a_damaged_picture_is_either_refused_or_taken() -> None:
    before, chance = set(work_dir().iterdir()), random.Random(20_261_121)
    outcomes = {outcome_of(mutate(chance.choice(SEEDS), chance)) for _ in range(800)}
    assert any(outcome.startswith("taken") for outcome in outcomes)
    assert {"refused: damaged", "refused: not_an_image"} <= outcomes
    assert set(work_dir().iterdir()) <= before


def test_the_same_seed_gives_the_same_damage() -> None:
    once, again = (mutate(SEEDS[0], random.Random(7)) for _ in range(2))
    assert once == again != SEEDS[0]
