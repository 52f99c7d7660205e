"""Django's error handlers: in the shape of the address's contract, elsewhere a page."""

import sys

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from accounts.exceptions import MissingScope
from api.contracts import error_response_to
from api.errors import INTERNAL, NOT_FOUND, UNAVAILABLE, problem_of
from api.problems import Problem
from delivery.pages import page_not_found

_BAD_REQUEST = Problem("business", 400, "Bad request.")
_FORBIDDEN = Problem("forbidden", 403, "You may not do this.")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Respond to a request that Django refused to read."""
    problem = problem_of(exception) or _BAD_REQUEST
    return error_response_to(request, problem) or HttpResponse(
        problem.message, status=problem.status, content_type="text/plain"
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Respond to a refusal outside the views."""
    problem = (problem_of(exception) if isinstance(exception, MissingScope) else None) or _FORBIDDEN
    response = error_response_to(request, problem)
    if response is None:
        response = defaults.permission_denied(request, exception)
        for name, value in problem.headers.items():
            response[name] = value
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Respond to an address without a route."""
    return error_response_to(request, NOT_FOUND) or page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Respond to a failure that nobody foresaw, which Django has logged, or to an outage."""
    error = sys.exc_info()[1]
    if isinstance(error, Exception) and problem_of(error) == UNAVAILABLE:
        return error_response_to(request, UNAVAILABLE) or _unavailable_page(request)
    return error_response_to(request, INTERNAL) or defaults.server_error(request)


def _unavailable_page(request: HttpRequest) -> HttpResponse:
    page = defaults.server_error(request)
    page.status_code = UNAVAILABLE.status
    for name, value in UNAVAILABLE.headers.items():
        page[name] = value
    return page
