"""Which of two formats a client prefers, by its `Accept` header (RFC 9110, section 12.5.1)."""

from functools import lru_cache

from django.http import HttpRequest
from django.http.request import MediaType

WEBP = "image/webp"


def prefers_webp(request: HttpRequest, usual: str) -> bool:
    """Return `header_prefers_webp` for the header of a request."""
    return header_prefers_webp(request.headers.get("Accept", ""), usual)


# A browser sends the same header with every picture of a page.
@lru_cache(maxsize=256)
def header_prefers_webp(header: str, usual: str) -> bool:
    """Return whether a client names WebP and does not rank it below the usual format.

    A wildcard is not enough: browsers that cannot show WebP send `image/*` too.
    """
    if WEBP not in header.lower():
        return False
    ranges = [MediaType(part) for part in header.split(",")]
    if not any(f"{each.main_type}/{each.sub_type}" == WEBP for each in ranges):
        return False
    wanted = _weight(ranges, WEBP)
    return wanted > 0 and wanted >= _weight(ranges, usual)


def _weight(ranges: list[MediaType], media_type: str) -> float:
    """Return the weight of the most specific range that matches a media type, else 0."""
    matching = [each for each in ranges if each.match(media_type)]
    closest = max(matching, key=lambda each: each.specificity, default=None)
    return closest.quality if closest else 0
