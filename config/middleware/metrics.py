"""Counts requests by contract and status, and measures how long they take."""

import time
from collections.abc import Callable
from functools import cache

from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram

from api.contracts import find_contract
from delivery.addresses import GALLERY_PARTS

REQUESTS = Counter(
    "tintype_requests", "Requests by contract and status code.", ["contract", "code"]
)
REQUEST_SECONDS = Histogram(
    "tintype_request_seconds",
    "Seconds until the response begins.",
    ["contract"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
# First parts of addresses outside the contracts; others must not let strangers make up labels.
_OTHER_LABELS = frozenset(
    {
        "admin",
        "avatars",
        "healthz",
        "i18n",
        "images",
        "l",
        "manifest.webmanifest",
        "metrics",
        "readyz",
        "robots.txt",
        "service-worker.js",
        "share",
        "static",
    }
)


class MetricsMiddleware:
    """Stands outside of whatever may refuse a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Measure until the response begins: how fast a client reads is the client's affair."""
        started = time.perf_counter()
        response = self.get_response(request)
        record_request(_label(request.path_info), response.status_code, started)
        return response


def record_request(label: str, status: int, started: float) -> None:
    """Count a request whose response begins now; `started` is `perf_counter`'s."""
    _histogram(label).observe(time.perf_counter() - started)
    _counter(label, status).inc()


# The library looks a label up under a lock each time.
@cache
def _histogram(label: str) -> Histogram:
    return REQUEST_SECONDS.labels(label)


@cache
def _counter(label: str, status: int) -> Counter:
    return REQUESTS.labels(label, str(status))


def _label(path: str) -> str:
    if contract := find_contract(path):
        return contract.name
    first = path.split("/")[1]
    if not first or first in GALLERY_PARTS:
        return "gallery"
    return first if first in _OTHER_LABELS else "elsewhere"
