"""Bodies of requests: their charset is not the address's, and what no view read is discarded."""

from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

_CHUNK_SIZE = 64 * 1024
# More than nginx lets in. Whoever sends more than this unread loses the connection.
_MAX_DISCARDED = 64 * 1024 * 1024


def request_bodies_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Stand outside of whatever may read a query, or respond before the body was read."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        # Django reads the query by the charset that Content-Type states for the body; of the names
        # that it takes, some are no charsets (`bz2`).
        request.encoding = settings.DEFAULT_CHARSET
        response = get_response(request)
        if _is_left_to_us(request):
            _discard_rest(request)
        return response

    return middleware


def _is_left_to_us(request: HttpRequest) -> bool:
    """Tell whether the server would close the connection over an unread body.

    Granian does, and whoever is still sending (nginx) would miss the response. Uvicorn reads on.
    """
    is_granian = request.META.get("wsgi.input_terminated") and "asgi.scope" not in request.META
    if "Expect" in request.headers:  # the client was not told to send one
        return False
    has_body = request.META.get("CONTENT_LENGTH") or "Transfer-Encoding" in request.headers
    return bool(is_granian and has_body)


def _discard_rest(request: HttpRequest) -> None:
    left, stream = _MAX_DISCARDED, request.META["wsgi.input"]
    with suppress(OSError):
        while left > 0 and (chunk := stream.read(_CHUNK_SIZE)):
            left -= len(chunk)
