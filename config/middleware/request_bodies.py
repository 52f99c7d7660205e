"""The charset that a request states is its body's, not its address's."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase


def request_bodies_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Stand outside of whatever may read a query."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        # Django reads the query by the charset that Content-Type states for the body; of the names
        # that it takes, some are no charsets (`bz2`).
        request.encoding = settings.DEFAULT_CHARSET
        return get_response(request)

    return middleware
