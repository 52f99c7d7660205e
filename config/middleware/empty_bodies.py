"""No `Content-Type` on a response without a body: there is nothing that it would describe."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

# RFC 9110, 15.3.5 and 15.4.5: never a body.
_NEVER_A_BODY = frozenset({204, 304})


def empty_bodies_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Undo Django's `text/html`; a response to HEAD keeps what it says of the body of the GET."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if response.status_code in _NEVER_A_BODY or _is_empty(response):
            response.headers.pop("Content-Type", None)
        return response

    return middleware


def _is_empty(response: HttpResponseBase) -> bool:
    if not isinstance(response, HttpResponse) or response.content:
        return False
    # A view that knows the body's length states it, and nginx sends the file that it is told.
    is_described = response.headers.get("Content-Length", "0") != "0"
    return not is_described and "X-Accel-Redirect" not in response.headers
