"""The 413 for bodies that nginx refused: it asks again without the body."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from api.contracts import error_response_to
from api.problems import Problem

_TOO_LARGE = Problem("too_large", 413, "The body is too large.")
# Set in deploy/nginx.conf; whoever else sends it gets this response and nothing more.
HEADER = "Body-Too-Large"
GetResponse = Callable[[HttpRequest], HttpResponse]


def body_limit_middleware(get_response: GetResponse) -> GetResponse:
    """Respond with 413 in the shape of the address's contract, before any view."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if HEADER not in request.headers:
            return get_response(request)
        return error_response_to(request, _TOO_LARGE) or HttpResponse(
            _TOO_LARGE.message, status=_TOO_LARGE.status, content_type="text/plain"
        )

    return middleware
