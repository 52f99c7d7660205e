"""Bodies that no view sees: what the server refused, and what is too much for a page's form."""

from collections.abc import Callable
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from api.contracts import error_response_to, find_contract
from api.errors import UNAVAILABLE
from api.problems import Problem

_TOO_LARGE = Problem("too_large", 413, "The body is too large.")
# In a request's environ: the key here of why its body was not received, "" where it was.
NOT_RECEIVED = "tintype.body_not_received"
_WHY_NOT_RECEIVED = {
    "too_large": _TOO_LARGE,
    "too_slow": Problem(
        "business", 408, "The body came too slowly.", headers={"Connection": "close"}
    ),
    "no_room": UNAVAILABLE,
}
# Set in deploy/nginx.conf, which asks again without the body; whoever else sends it gets this
# response and nothing more.
HEADER = "Body-Too-Large"
HEADER_IN_ENVIRON = "HTTP_BODY_TOO_LARGE"
GetResponse = Callable[[HttpRequest], HttpResponse]


def body_limit_middleware(get_response: GetResponse) -> GetResponse:
    """Respond in the shape of the address's contract, before any view.

    Views of the contracts know their own limits. The admin and the language form take no files:
    one is refused before a byte of it is stored.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        is_page = find_contract(request.path_info) is None
        problem = _WHY_NOT_RECEIVED.get(request.META.get(NOT_RECEIVED, ""))
        if HEADER_IN_ENVIRON in request.META or (is_page and _is_too_large(request)):
            problem = _TOO_LARGE
        if is_page and problem is _TOO_LARGE and _is_shared(request):
            # A phone's other programs send what they like; the view reads nothing of it.
            problem = None
        if problem:
            return error_response_to(request, problem) or HttpResponse(
                problem.message,
                status=problem.status,
                content_type="text/plain",
                headers=problem.headers,
            )
        if is_page:
            request.upload_handlers = [_NoFiles(request)]
        return get_response(request)

    return middleware


def _is_shared(request: HttpRequest) -> bool:
    return request.path_info.rstrip("/") == reverse("share").rstrip("/")


def _is_too_large(request: HttpRequest) -> bool:
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    return length > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)


class _NoFiles(FileUploadHandler):
    """Refuses the first file of a form."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TooManyFilesSent("No files are taken here.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Never called: Django's interface has it."""

    def file_complete(self, file_size: int) -> None:
        """Never called: Django's interface has it."""
