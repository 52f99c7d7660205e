"""Tells the security log which request is being handled."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def current_request_middleware(get_response: GetResponse) -> GetResponse:
    """Stand outside of whatever may refuse a sign-in."""
    # It needs the models, which are loaded after the settings name this module.
    from accounts.current_request import use_request

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with use_request(request):
            return get_response(request)

    return middleware
