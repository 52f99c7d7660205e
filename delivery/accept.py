"""Which of a thumbnail's formats a client prefers, by its `Accept` (RFC 9110, section 12.5.1)."""

from collections.abc import Mapping
from functools import lru_cache

from django.http.request import MediaType

from images.formats.registry import FORMATS
from images.storage.keys import keys_beside

# Extensions of the formats that may lie beside the usual one, the smallest first.
_BESIDE = {FORMATS[name].content_type: FORMATS[name].extension for name in ("AVIF", "WEBP")}
# What a thumbnail may be that has others beside it.
_USUAL = tuple(FORMATS[name].content_type for name in ("JPEG", "PNG", "GIF"))


def preferred_files(header: str, key: str, usual: str) -> list[tuple[str, str]]:
    """Return key and media type of the files of a thumbnail that a client takes, the best first.

    `key` and `usual` are the usual file's: it is what most clients get, and the last of them. It
    alone is sure to exist where the key `may_lack_beside`.
    """
    return choose_files(header, key, usual, keys_beside(key))


def choose_files(
    header: str, key: str, usual: str, beside: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return what `preferred_files` does, where `keys_beside` was asked before."""
    preferred = preferred_formats(header, usual) if beside else ()
    found = [(beside.get(_BESIDE[media_type], ""), media_type) for media_type in preferred]
    return [*(each for each in found if each[0]), (key, usual)]


# A browser sends the same header with every picture of a page.
@lru_cache(maxsize=256)
def preferred_formats(header: str, usual: str) -> tuple[str, ...]:
    """Return the formats that a client names and does not rank below the usual one, best first.

    A wildcard is not enough: browsers that cannot show them send `image/*` too. Of those that it
    ranks alike, as all browsers do, the smallest comes first.
    """
    text = header.lower()
    if not any(media_type in text for media_type in _BESIDE):
        return ()
    ranges = [MediaType(part) for part in header.split(",")]
    named = {f"{each.main_type}/{each.sub_type}" for each in ranges}
    least = _weight(ranges, usual)
    weights = {each: _weight(ranges, each) for each in _BESIDE if each in named}
    wanted = [each for each, weight in weights.items() if weight > 0 and weight >= least]
    return tuple(sorted(wanted, key=lambda each: -weights[each]))


def preferences(header: str) -> str:
    """Return a text that is the same for headers by which every thumbnail's file is the same."""
    return ";".join(",".join(preferred_formats(header, usual)) for usual in _USUAL)


def _weight(ranges: list[MediaType], media_type: str) -> float:
    """Return the weight of the most specific range that matches a media type, else 0."""
    matching = [each for each in ranges if each.match(media_type)]
    closest = max(matching, key=lambda each: each.specificity, default=None)
    return closest.quality if closest else 0
