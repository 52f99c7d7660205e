"""What a TIFF's pixels hold beside their colours: transparency, or what a program keeps there."""

from images.formats.tiff import (
    EXTRA_SAMPLES,
    PHOTOMETRIC,
    SAMPLES,
    Directory,
)

# RGB, CMYK, YCbCr; grey and a palette's number are one sample.
_COLOURS = {2: 3, 5: 4, 6: 3}
# Multiplied into the colours already, or not. Photoshop's saved selections are of kind 0.
_TRANSPARENCY = frozenset({1, 2})


def extra_samples(page: Directory) -> int:
    """Return how many samples follow the colours."""
    return max(0, page.number(SAMPLES, 1) - _COLOURS.get(page.number(PHOTOMETRIC), 1))


def transparency(page: Directory) -> int | None:
    """Return which of the extra samples is the transparency, counted from 0; None without one.

    Raises BrokenTiff.
    """
    kinds = page.numbers(EXTRA_SAMPLES)[: extra_samples(page)]
    return next((n for n, kind in enumerate(kinds) if kind in _TRANSPARENCY), None)
