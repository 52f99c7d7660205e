"""Cuts request headers that are lists, so that parsing thousands of members costs nothing.

Servers let 8 to 64 KB of a header in. No client of ours sends a tenth of these limits.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

# By header: how many characters are kept, and what separates its members.
LIMITS = {
    "HTTP_ACCEPT": (1024, ","),
    "HTTP_ACCEPT_CHARSET": (512, ","),
    "HTTP_ACCEPT_ENCODING": (512, ","),
    "HTTP_ACCEPT_LANGUAGE": (512, ","),
    "HTTP_CACHE_CONTROL": (512, ","),
    "HTTP_IF_MATCH": (2048, ","),
    "HTTP_IF_NONE_MATCH": (2048, ","),
    # Browsers keep 4 KB a cookie, and those of neighbours may stand before ours.
    "HTTP_COOKIE": (16 * 1024, ";"),
    # Several ranges get the whole file: a list that is so long counts as none.
    "HTTP_RANGE": (256, ""),
    "HTTP_IF_RANGE": (256, ""),
    "HTTP_IF_MODIFIED_SINCE": (64, ""),
    "HTTP_IF_UNMODIFIED_SINCE": (64, ""),
}


def long_headers_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    def middleware(request: HttpRequest) -> HttpResponseBase:
        for name, (limit, separator) in LIMITS.items():
            value = request.META.get(name, "")
            if len(value) > limit:
                request.META[name] = cut(value, limit, separator)
        return get_response(request)

    return middleware


def cut(value: str, limit: int, separator: str) -> str:
    """Return the whole members within the limit; "" where there is none, or no separator."""
    return value[: limit + 1].rpartition(separator)[0] if separator else ""
