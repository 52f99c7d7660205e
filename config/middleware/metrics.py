"""Counts requests by door and status, and how long they take."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram

from api.doors import door_at

REQUESTS = Counter("tintype_requests", "Requests answered.", ["door", "code"])
REQUEST_SECONDS = Histogram(
    "tintype_request_seconds",
    "Seconds until the answer begins.",
    ["door"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
# First parts of addresses that are no API's; any other word would let strangers make up labels.
_PLACES = frozenset(
    {"admin", "avatars", "healthz", "i18n", "images", "l", "metrics", "readyz", "static"}
)


class MeasuringMiddleware:
    """Outside whatever may refuse a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Know what comes next."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Measure until the answer begins: how fast a client reads is the client's affair."""
        started = time.perf_counter()
        response = self.get_response(request)
        door = _door(request.path)
        REQUEST_SECONDS.labels(door).observe(time.perf_counter() - started)
        REQUESTS.labels(door, str(response.status_code)).inc()
        return response


def _door(path: str) -> str:
    first = path.split("/")[1]
    return door_at(path) or (first if first in _PLACES else "elsewhere" if first else "gallery")
