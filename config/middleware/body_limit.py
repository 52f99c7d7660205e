"""Bodies that no view has to see: what nginx refused, and what is too much for a page's form."""

from collections.abc import Callable
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, HttpResponse

from api.contracts import error_response_to, find_contract
from api.problems import Problem

_TOO_LARGE = Problem("too_large", 413, "The body is too large.")
# Set in deploy/nginx.conf, which asks again without the body; whoever else sends it gets this
# response and nothing more.
HEADER = "Body-Too-Large"
GetResponse = Callable[[HttpRequest], HttpResponse]


def body_limit_middleware(get_response: GetResponse) -> GetResponse:
    """Respond with 413 in the shape of the address's contract, before any view.

    Views of the contracts know their own limits. The admin and the language form take no files:
    one is refused before a byte of it is stored.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        is_page = find_contract(request.path_info) is None
        if HEADER in request.headers or (is_page and _is_too_large(request)):
            return error_response_to(request, _TOO_LARGE) or HttpResponse(
                _TOO_LARGE.message, status=_TOO_LARGE.status, content_type="text/plain"
            )
        if is_page:
            request.upload_handlers = [_NoFiles(request)]
        return get_response(request)

    return middleware


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
