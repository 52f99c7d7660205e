"""The rest of a body that no view has read, for servers that would close the connection over it.

Granian closes it, and whoever is still sending misses the response: nginx takes that for a service
that is away. So the rest is read and dropped, whoever refused the request. Uvicorn reads on itself.
"""

import time
from contextlib import suppress
from typing import Any

_CHUNK_SIZE = 64 * 1024
# More than nginx lets in, and longer than it takes to send what it holds already. Whoever sends
# more than this unread, or more slowly, loses the connection.
_MAX_DISCARDED = 64 * 1024 * 1024
_MAX_SECONDS = 10


def discard_rest(environ: dict[str, Any]) -> None:
    """Read a WSGI request's body to its end, where the server leaves that to the application."""
    if not _is_left_to_us(environ):
        return
    left, stream = _MAX_DISCARDED, environ["wsgi.input"]
    deadline = time.monotonic() + _MAX_SECONDS
    with suppress(OSError):  # the client went away
        while left > 0 and time.monotonic() < deadline and (chunk := stream.read(_CHUNK_SIZE)):
            left -= len(chunk)


def _is_left_to_us(environ: dict[str, Any]) -> bool:
    is_granian = environ.get("wsgi.input_terminated") and "asgi.scope" not in environ
    if "HTTP_EXPECT" in environ:  # the client was not told to send one
        return False
    has_body = environ.get("CONTENT_LENGTH") or "HTTP_TRANSFER_ENCODING" in environ
    return bool(is_granian and has_body)
