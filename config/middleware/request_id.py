"""Gives each request an id, which its log lines and its response bear, and a line of its own."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from config.middleware.request_log import REFUSAL, log_request
from lib.request_id import is_valid_request_id, new_request_id, use_request_id

HEADER = "X-Request-ID"


class RequestIdMiddleware:
    """Stands outermost, so that errors and refusals bear the id too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with use_request_id(request_id_of(request.META)) as request_id:
            started = time.perf_counter()
            response = self.get_response(request)
            refusal = getattr(response, REFUSAL, "")
            path, status = request.path_info, response.status_code
            log_request(str(request.method), _in_ascii(path), status, started, refusal)
        response[HEADER] = request_id
        return response


def _in_ascii(path: str) -> str:
    """Return a path as it can stand in a line, whatever bytes it was made of."""
    return path if path.isascii() and path.isprintable() else ascii(path)[1:-1]


def request_id_of(environ: Mapping[str, Any]) -> str:
    """Return a request's own id where a proxy of ours wrote it, else a new one."""
    text = environ.get("HTTP_X_REQUEST_ID", "") if settings.TRUSTED_PROXIES else ""
    return text if is_valid_request_id(text) else new_request_id()
