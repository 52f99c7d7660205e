"""Stored bytes as an HTTP answer: conditional, partial, and inert in a browser."""

import hashlib
from collections.abc import Iterator
from typing import IO

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import content_disposition_header

from delivery.accept import WEBP, prefers_webp
from delivery.ranges import ByteRange, UnsatisfiableRange, requested_range
from images.storage.base import picture_storage
from images.storage.keys import webp_beside

# User content must stay inert even where a browser is talked into rendering it (wagtail does so).
_CLOSED = "default-src 'none'; sandbox; frame-ancestors 'none'"
_CHUNK = 64 * 1024


def serve(
    request: HttpRequest, key: str, content_type: str, *, cache_control: str
) -> HttpResponseBase:
    """Answer with stored bytes; raises FileNotFoundError.

    A key never names other bytes than at first, so the entity tag is made of it alone.
    """
    etag = f'"{hashlib.sha256(key.encode()).hexdigest()[:32]}"'
    response = get_conditional_response(request, etag=etag) or _bytes(request, key, etag)
    if response.status_code in {200, 206}:
        name = key.rsplit("/", 1)[-1]
        response["Content-Type"] = content_type
        response["Content-Disposition"] = (
            content_disposition_header(as_attachment=False, filename=name) or "inline"
        )
    response["ETag"] = etag
    response["Cache-Control"] = cache_control
    if not _by_nginx():  # which sends its own
        response["Accept-Ranges"] = "bytes"
    response["Content-Security-Policy"] = _CLOSED
    response["X-Content-Type-Options"] = "nosniff"
    return response


def serve_negotiated(
    request: HttpRequest, key: str, content_type: str, *, cache_control: str
) -> HttpResponseBase:
    """Answer with stored bytes, or with the WebP beside them where the client prefers that.

    Raises FileNotFoundError.
    """
    webp = webp_beside(key)
    if webp and prefers_webp(request, content_type):
        response = serve(request, webp, WEBP, cache_control=cache_control)
    else:
        response = serve(request, key, content_type, cache_control=cache_control)
    if webp:
        patch_vary_headers(response, ["Accept"])
    return response


def _bytes(request: HttpRequest, key: str, etag: str) -> HttpResponseBase:
    if _by_nginx():
        response = HttpResponse()
        response["X-Accel-Redirect"] = settings.ACCEL_REDIRECT_PREFIX + key
        return response
    if request.method == "HEAD":
        return HttpResponse(headers={"Content-Length": str(picture_storage.size(key))})
    file = picture_storage.open(key)
    size = file.seek(0, 2)
    try:
        part = _part(request, etag, size)
    except UnsatisfiableRange:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    return _body(file, part, size)


def _by_nginx() -> bool:
    """Only files on disk lie where nginx can read them."""
    return bool(settings.ACCEL_REDIRECT_PREFIX) and not picture_storage.origin


def _part(request: HttpRequest, etag: str, size: int) -> ByteRange | None:
    """A range asked for on the condition of another version is answered whole (If-Range)."""
    condition = request.headers.get("If-Range")
    if condition and condition != etag:
        return None
    return requested_range(request.headers.get("Range", ""), size)


def _body(file: IO[bytes], part: ByteRange | None, size: int) -> FileResponse:
    file.seek(part.first if part else 0)
    if part is None:
        response = FileResponse(file)
    else:
        response = FileResponse(_chunks(file, part.length), status=206)
        response["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    response["Content-Length"] = str(part.length if part else size)
    return response


def _chunks(file: IO[bytes], length: int) -> Iterator[bytes]:
    """Read so many bytes; the file closes at the end, or when the reader goes away."""
    with file:
        while length > 0 and (chunk := file.read(min(_CHUNK, length))):
            length -= len(chunk)
            yield chunk
