"""How a stored file leaves: status, headers and bytes, decided by a request's WSGI environ alone.

No framework's request or response: `delivery.responses` sends what is decided here by Django, and
`config.byte_layer` without it.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import IO, Any

from django.conf import settings
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

from delivery.accept import choose_files
from delivery.access import in_format_of
from delivery.ranges import ByteRange, UnsatisfiableRange, is_plain_range, requested_range
from images.storage.base import picture_storage
from images.storage.keys import keys_beside, may_lack_beside

# PEP 3333's, which Django calls `request.META`.
Environ = Mapping[str, Any]

# A browser that is tricked into rendering user content as a page must run nothing in it.
_INERT_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
_CHUNK_SIZE = 64 * 1024
_MAX_AGE = re.compile(r"max-age=(\d+)")
# What stands in the header as it is (RFC 9110, section 5.6.4).
_PLAIN_NAME = re.compile(r"[\w.~-]+", re.ASCII).fullmatch
# In seconds. What is smaller is there some seconds after the thumbnail, as a rule.
_MOMENT = 60
# Keys of files that are known to exist; as many take a few MiB.
_found: set[str] = set()
_MAX_FOUND = 20_000
_CONDITIONS = frozenset(
    {"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE"}
)
_PRECONDITIONS = _CONDITIONS & {"HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"}
_INSIDE = "X-Accel-Redirect"


@dataclass(slots=True)
class PlainResponse:
    """What leaves: `length` bytes of an open file from where it stands, or `body`."""

    status: int
    headers: dict[str, str]
    file: IO[bytes] | None = None
    length: int = 0
    body: bytes = b""


def respond_negotiated(
    environ: Environ, key: str, content_type: str, *, cache_control: str, name: str = ""
) -> PlainResponse:
    """Respond with a stored file, or with what lies beside it if the client prefers that.

    Raise FileNotFoundError.
    """
    if not (beside := keys_beside(key)):
        return respond(environ, key, content_type, cache_control=cache_control, name=name)
    files = choose_files(environ.get("HTTP_ACCEPT", ""), key, content_type, beside)
    (preferred, media_type), has_better = files[0], False
    if may_lack_beside(key):
        preferred, media_type = next(each for each in files if each[0] == key or _exists(each[0]))
        has_better = preferred == key and len(files) > 1
    if preferred != key:
        name = in_format_of(name, preferred)
    if has_better:
        cache_control = _for_a_moment(cache_control)
    response = respond(environ, preferred, media_type, cache_control=cache_control, name=name)
    response.headers["Vary"] = "Accept"
    return response


def _exists(key: str) -> bool:
    """Tell whether a file is there that is made after the one it lies beside.

    Once there it stays as long as that: so a positive answer is remembered.
    """
    if key in _found:
        return True
    if not picture_storage.exists(key):
        return False
    if len(_found) >= _MAX_FOUND:
        _found.clear()
    _found.add(key)
    return True


def _for_a_moment(cache_control: str) -> str:
    """Let nobody keep a file for longer than it may take until there is a better one."""
    changed = _MAX_AGE.sub(lambda match: f"max-age={min(int(match[1]), _MOMENT)}", cache_control)
    return changed.replace(", immutable", "")


def respond(
    environ: Environ, key: str, content_type: str, *, cache_control: str, name: str = ""
) -> PlainResponse:
    """Respond with a stored file, under `name` or its key's; raise FileNotFoundError."""
    inside = _path_for_nginx(environ, key)
    if inside:
        # nginx has an entity tag of its own, which is what clients send back in their conditions.
        is_unmet = _is_unmet_behind_nginx(environ, key)
        response = PlainResponse(412, {}) if is_unmet else PlainResponse(200, {_INSIDE: inside})
    else:
        etag = _entity_tag(key, name)
        status = status_by_condition(environ, etag)
        response = PlainResponse(status, {}) if status else _content(environ, key, etag)
        response.headers["ETag"] = etag
    headers = response.headers
    if response.status in {200, 206}:
        headers["Content-Type"] = content_type
        headers["Content-Disposition"] = _disposition(shown_name(key, name))
    headers["Cache-Control"] = cache_control
    if _INSIDE not in headers:  # nginx adds its own header
        headers["Accept-Ranges"] = "bytes"
    headers["Content-Security-Policy"] = _INERT_POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    # Pages that isolate themselves (COEP) show only what allows it.
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _entity_tag(key: str, name: str) -> str:
    """The content behind a key never changes, so that key and name alone determine it."""
    tagged = f"{key}\0{name}" if name else key
    return f'"{hashlib.sha256(tagged.encode()).hexdigest()[:32]}"'


def shown_name(key: str, name: str = "") -> str:
    """Return what a file is called where it leaves: the uploader's name, else ours."""
    return name or key.rsplit("/", 1)[-1]


def read_chunks(file: IO[bytes], length: int) -> Iterator[bytes]:
    """Read `length` bytes; the file is closed at the end, or when the client disconnects."""
    with file:
        while length > 0 and (chunk := file.read(min(_CHUNK_SIZE, length))):
            length -= len(chunk)
            yield chunk


def _disposition(name: str) -> str:
    """Return Django's header; for the names that we give it is told in a tenth of the time."""
    if _PLAIN_NAME(name):
        return f'inline; filename="{name}"'
    return content_disposition_header(as_attachment=False, filename=name) or "inline"


def _is_unmet_behind_nginx(environ: Environ, key: str) -> bool:
    """Tell whether nginx would refuse a file (412), with a page of its own.

    It makes a file's entity tag of its time and length. Raise FileNotFoundError.
    """
    if environ.keys().isdisjoint(_PRECONDITIONS) or not (folder := picture_storage.folder):
        return False
    found = (folder / key).stat()
    modified = int(found.st_mtime)
    etag = f'"{modified:x}-{found.st_size:x}"'
    return status_by_condition(environ, etag, modified) == 412


def status_by_condition(environ: Environ, etag: str, last_modified: int | None = None) -> int:
    """Return what Django answers to a conditional request, 304 or 412; 0 where the body leaves.

    `last_modified` is a Unix time.
    """
    # Not the other way round: that looks at all of an environ, which has a hundred entries.
    if environ.keys().isdisjoint(_CONDITIONS):
        return 0
    asked: Any = SimpleNamespace(
        META=environ, method=environ["REQUEST_METHOD"], path=environ.get("PATH_INFO", "")
    )
    response = get_conditional_response(asked, etag=etag, last_modified=last_modified)
    return response.status_code if response else 0


def _content(environ: Environ, key: str, etag: str) -> PlainResponse:
    if environ["REQUEST_METHOD"] == "HEAD":
        return PlainResponse(200, {"Content-Length": str(picture_storage.size(key))})
    file = picture_storage.open(key)
    size = file.seek(0, 2)
    try:
        byte_range = _range_to_send(environ, etag, size)
    except UnsatisfiableRange:
        file.close()
        return PlainResponse(416, {"Content-Range": f"bytes */{size}"})
    return _opened(file, byte_range, size)


def _path_for_nginx(environ: Environ, key: str) -> str:
    """Return where a nginx before us finds the bytes; "" where it may not send them.

    It can read files on disk only. A range that it would read in another way than
    `requested_range`, or refuse with a page of its own, is left to the service.
    """
    prefix: str = settings.ACCEL_REDIRECT_PREFIX
    if not prefix or picture_storage.origin:
        return ""
    header = environ.get("HTTP_RANGE", "")
    is_plain = not header or is_plain_range(header, picture_storage.size(key))
    return prefix + key if is_plain else ""


def _range_to_send(environ: Environ, etag: str, size: int) -> ByteRange | None:
    """Return None, for the whole file, if If-Range names another version."""
    condition = environ.get("HTTP_IF_RANGE")
    if condition and condition != etag:
        return None
    return requested_range(environ.get("HTTP_RANGE", ""), size)


def _opened(file: IO[bytes], byte_range: ByteRange | None, size: int) -> PlainResponse:
    file.seek(byte_range.first if byte_range else 0)
    if byte_range is None:
        return PlainResponse(200, {"Content-Length": str(size)}, file, size)
    headers = {
        "Content-Range": f"bytes {byte_range.first}-{byte_range.last}/{size}",
        "Content-Length": str(byte_range.length),
    }
    return PlainResponse(206, headers, file, byte_range.length)
