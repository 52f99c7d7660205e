"""Bodies that nginx did not take in: it asks again without the body, for the door's own answer."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from api.doors import answered_by_door
from api.problems import Problem

_TOO_LARGE = Problem("too_large", 413, "The body is too large.")
# Set in deploy/nginx.conf; whoever else sends it gets this answer and nothing more.
HEADER = "Body-Too-Large"
Answer = Callable[[HttpRequest], HttpResponse]


def refuse_too_large(get_response: Answer) -> Answer:
    """Answer 413 in the words of the door at the address, before any view hears of it."""

    def answer(request: HttpRequest) -> HttpResponse:
        if HEADER not in request.headers:
            return get_response(request)
        return answered_by_door(request, _TOO_LARGE) or HttpResponse(
            _TOO_LARGE.message, status=_TOO_LARGE.status, content_type="text/plain"
        )

    return answer
