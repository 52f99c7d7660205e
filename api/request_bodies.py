"""Bodies as clients frame them: with a length or in chunks, bounded by the view, not compressed."""

from contextlib import ExitStack
from tempfile import SpooledTemporaryFile

from django.http import HttpRequest
from rest_framework.exceptions import ParseError

from api.problems import Problem, ProblemError
from images.sandbox.work_dir import work_dir

_CHUNK_SIZE = 64 * 1024
# RFC 9110, section 12.5.3: which codings would have been taken.
_ENCODED = Problem(
    "media_type", 415, "Unsupported media type.", headers={"Accept-Encoding": "identity"}
)


def body_too_large(limit: int) -> ProblemError:
    """Return what is raised where a body, whatever it holds, has more bytes than a view reads."""
    return ProblemError(Problem("too_large", 413, f"The body may have at most {limit} bytes."))


def prepare_body(request: HttpRequest, limit: int, resources: ExitStack) -> None:
    """Refuse a body that is compressed or too large; measure one that comes without a length.

    Django and REST framework read what `Content-Length` states and nothing without it. Such a body
    is written to a temporary file, which `resources` closes, and read from there like any other.
    Raise ProblemError.
    """
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    is_unmeasured = _is_unmeasured(request)
    if not length and not is_unmeasured:
        return
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding not in {"", "identity"}:
        raise ProblemError(_ENCODED)
    if is_unmeasured:
        _measure(request, limit, resources)
    elif length > limit:
        raise body_too_large(limit)


def _is_unmeasured(request: HttpRequest) -> bool:
    """Tell whether there may be a body whose end only the server knows (RFC 9112, section 6.3)."""
    if not request.META.get("wsgi.input_terminated"):
        return False
    is_framed = request.META.get("SERVER_PROTOCOL", "").startswith("HTTP/2")
    has_length = bool(request.META.get("CONTENT_LENGTH"))
    return "HTTP_TRANSFER_ENCODING" in request.META or (is_framed and not has_length)


def _measure(request: HttpRequest, limit: int, resources: ExitStack) -> None:
    folder = str(work_dir())
    file = SpooledTemporaryFile(max_size=_CHUNK_SIZE, dir=folder)  # noqa: SIM115 (closed by `resources`)
    resources.enter_context(file)
    stream, size = request.META["wsgi.input"], 0
    try:
        while chunk := stream.read(_CHUNK_SIZE):
            size += len(chunk)
            if size > limit:
                raise body_too_large(limit)
            file.write(chunk)
    except OSError as error:  # the client went away: what came is no whole body
        raise ParseError from error
    file.seek(0)
    request.META["CONTENT_LENGTH"] = str(size)
    request._stream = file  # type: ignore[assignment]  # Django reads no more of it than `read`
