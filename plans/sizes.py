"""How many bytes a thumbnail of a height and a quality has, by those that are there."""

import math
from collections import defaultdict
from collections.abc import Mapping

from plans.sampling import ThumbnailKind

# Both files together. Of photographs: bytes grow as heights to this power, for large ones are
# smoother; and by so much with each step of quality (from 60 to 80 by 1.5, from 80 to 90 by 1.5).
_POWER_OF_HEIGHT = 1.6
_PER_QUALITY_STEP = 1.025
# Where nothing was ever rendered: a JPEG of 200 pixels and its WebP.
_HEIGHT, _BYTES, _QUALITY = 200, 16_000, 80


class ThumbnailSizes:
    """Average bytes by height, measured where there are such thumbnails, else derived from them."""

    def __init__(self, kinds: Mapping[ThumbnailKind, tuple[int, int]], *, quality: int) -> None:
        exact: dict[int, list[tuple[float, float]]] = defaultdict(list)
        other: dict[int, list[tuple[float, float]]] = defaultdict(list)
        for kind, (count, size) in kinds.items():
            if kind.quality == quality:
                exact[kind.height].append((count, size))
            else:
                # Those of releases without that setting are of the usual quality.
                steps = quality - (kind.quality or _QUALITY)
                other[kind.height].append((count, size * _PER_QUALITY_STEP**steps))
        self._averages = {
            height: _average(exact.get(height) or other[height]) for height in {*exact, *other}
        }

    def of(self, height: int) -> float:
        """Return the bytes of a thumbnail; between two measured heights, as these differ."""
        if height in self._averages:
            return self._averages[height]
        if not self._averages:
            return _BYTES * float((height / _HEIGHT) ** _POWER_OF_HEIGHT)
        near = sorted(self._averages, key=lambda each: abs(math.log(each / height)))
        below = [each for each in near if each < height]
        above = [each for each in near if each > height]
        if below and above:
            return self._between(below[0], above[0], height)
        return self._averages[near[0]] * float((height / near[0]) ** _POWER_OF_HEIGHT)

    def _between(self, low: int, high: int, height: int) -> float:
        share = math.log(height / low) / math.log(high / low)
        small, large = (math.log(max(1.0, self._averages[each])) for each in (low, high))
        return math.exp(small + share * (large - small))


def _average(those: list[tuple[float, float]]) -> float:
    return sum(size for _, size in those) / sum(count for count, _ in those)
