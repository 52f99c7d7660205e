"""Every answer bears its request's id."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from lib.request_id import is_sane, new_id, working_for

HEADER = "X-Request-ID"


class RequestIdMiddleware:
    """The outermost one, so that errors and refusals bear the id too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        """Know what comes next."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Work for the request under its id."""
        with working_for(_given(request) or new_id()) as request_id:
            response = self.get_response(request)
        response[HEADER] = request_id
        return response


def _given(request: HttpRequest) -> str:
    """Believe an id only where a proxy of ours stands in front and writes it."""
    text = request.headers.get(HEADER, "") if settings.TRUSTED_PROXIES else ""
    return text if is_sane(text) else ""
