"""The samples that follow a TIFF pixel's colours: transparency, or what a program keeps there."""

from images.formats.tiff_directories import EXTRA_SAMPLES, PHOTOMETRIC, SAMPLES, Directory

# Of RGB, CMYK and YCbCr; grey and a palette's index are one sample.
_COLOUR_SAMPLES = {2: 3, 5: 4, 6: 3}
# Associated and unassociated alpha. Photoshop's saved selections are of kind 0.
_ALPHA_KINDS = frozenset({1, 2})


def extra_samples(page: Directory) -> int:
    """Return how many samples follow the colours."""
    return max(0, page.number(SAMPLES, 1) - _COLOUR_SAMPLES.get(page.number(PHOTOMETRIC), 1))


def transparency(page: Directory) -> int | None:
    """Return which of the extra samples is the transparency, counted from 0; None without one.

    Raises BrokenStructure.
    """
    kinds = page.numbers(EXTRA_SAMPLES)[: extra_samples(page)]
    return next((n for n, kind in enumerate(kinds) if kind in _ALPHA_KINDS), None)
