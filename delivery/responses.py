"""Responses with stored files: conditional, partial, and inert in a browser."""

import hashlib
from collections.abc import Iterator
from typing import IO

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import content_disposition_header

from delivery.accept import WEBP, prefers_webp
from delivery.access import in_format_of
from delivery.ranges import ByteRange, UnsatisfiableRange, is_plain_range, requested_range
from images.storage.base import picture_storage
from images.storage.keys import webp_beside

# A browser that is tricked into rendering user content as a page must run nothing in it.
_INERT_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
_CHUNK_SIZE = 64 * 1024


def serve(
    request: HttpRequest, key: str, content_type: str, *, cache_control: str, name: str = ""
) -> HttpResponseBase:
    """Return a response with a stored file, under `name` or its key's; raise FileNotFoundError."""
    # The content behind a key never changes, so that key and name alone determine the entity tag.
    tagged = f"{key}\0{name}" if name else key
    etag = f'"{hashlib.sha256(tagged.encode()).hexdigest()[:32]}"'
    response = get_conditional_response(request, etag=etag) or _content(request, key, etag)
    if response.status_code in {200, 206}:
        shown = shown_name(key, name)
        response["Content-Type"] = content_type
        response["Content-Disposition"] = (
            content_disposition_header(as_attachment=False, filename=shown) or "inline"
        )
    response["ETag"] = etag
    response["Cache-Control"] = cache_control
    if "X-Accel-Redirect" not in response:  # nginx adds its own header
        response["Accept-Ranges"] = "bytes"
    response["Content-Security-Policy"] = _INERT_POLICY
    response["X-Content-Type-Options"] = "nosniff"
    # Pages that isolate themselves (COEP) show only what allows it.
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def shown_name(key: str, name: str = "") -> str:
    """Return what a file is called where it leaves: the uploader's name, else ours."""
    return name or key.rsplit("/", 1)[-1]


def serve_negotiated(
    request: HttpRequest, key: str, content_type: str, *, cache_control: str, name: str = ""
) -> HttpResponseBase:
    """Return a response with a stored file, or with its WebP copy if the client prefers that.

    Raise FileNotFoundError.
    """
    webp = webp_beside(key)
    if webp and prefers_webp(request, content_type):
        name = in_format_of(name, webp)
        response = serve(request, webp, WEBP, cache_control=cache_control, name=name)
    else:
        response = serve(request, key, content_type, cache_control=cache_control, name=name)
    if webp:
        patch_vary_headers(response, ["Accept"])
    return response


def _content(request: HttpRequest, key: str, etag: str) -> HttpResponseBase:
    if _is_sent_by_nginx(request, key):
        response = HttpResponse()
        response["X-Accel-Redirect"] = settings.ACCEL_REDIRECT_PREFIX + key
        return response
    if request.method == "HEAD":
        return HttpResponse(headers={"Content-Length": str(picture_storage.size(key))})
    file = picture_storage.open(key)
    size = file.seek(0, 2)
    try:
        byte_range = _range_to_send(request, etag, size)
    except UnsatisfiableRange:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    return _file_response(file, byte_range, size)


def _is_sent_by_nginx(request: HttpRequest, key: str) -> bool:
    """Return whether nginx sends the bytes: it can read files on disk only.

    A range that it would read in another way than `requested_range`, or refuse with a page of its
    own, is left to the service.
    """
    if not settings.ACCEL_REDIRECT_PREFIX or picture_storage.origin:
        return False
    header = request.headers.get("Range", "")
    return not header or is_plain_range(header, picture_storage.size(key))


def _range_to_send(request: HttpRequest, etag: str, size: int) -> ByteRange | None:
    """Return None, for the whole file, if If-Range names another version."""
    condition = request.headers.get("If-Range")
    if condition and condition != etag:
        return None
    return requested_range(request.headers.get("Range", ""), size)


def _file_response(file: IO[bytes], byte_range: ByteRange | None, size: int) -> FileResponse:
    file.seek(byte_range.first if byte_range else 0)
    if byte_range is None:
        response = FileResponse(file)
    else:
        response = FileResponse(_read_chunks(file, byte_range.length), status=206)
        response["Content-Range"] = f"bytes {byte_range.first}-{byte_range.last}/{size}"
    response["Content-Length"] = str(byte_range.length if byte_range else size)
    return response


def _read_chunks(file: IO[bytes], length: int) -> Iterator[bytes]:
    """Read `length` bytes; the file is closed at the end, or when the client disconnects."""
    with file:
        while length > 0 and (chunk := file.read(min(_CHUNK_SIZE, length))):
            length -= len(chunk)
            yield chunk
