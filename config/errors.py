"""Answers that no view gives: in the words of the door at the address, else as a page."""

import sys

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from api.doors import answered_by_door
from api.errors import AWAY, INTERNAL, NOT_FOUND, problem_of
from api.problems import Problem
from delivery.views import page_not_found

_BAD_REQUEST = Problem("business", 400, "Bad request.")
_FORBIDDEN = Problem("forbidden", 403, "You may not do this.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django refused to read."""
    problem = problem_of(exception) or _BAD_REQUEST
    return answered_by_door(request, problem) or HttpResponse(
        problem.message, status=problem.status, content_type="text/plain"
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a refusal outside the views."""
    return answered_by_door(request, _FORBIDDEN) or defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that leads nowhere."""
    return answered_by_door(request, NOT_FOUND) or page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a failure that nobody foresaw, which Django has logged, or a part that is away."""
    error = sys.exc_info()[1]
    if isinstance(error, Exception) and problem_of(error) == AWAY:
        return answered_by_door(request, AWAY) or _away(request)
    return answered_by_door(request, INTERNAL) or defaults.server_error(request)


def _away(request: HttpRequest) -> HttpResponse:
    """Show the page of a failure under the status that says: not now, but soon."""
    page = defaults.server_error(request)
    page.status_code = AWAY.status
    for name, value in AWAY.headers.items():
        page[name] = value
    return page
