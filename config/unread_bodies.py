"""The end of a request's body, which no request keeps, and whose rest is read where servers do not.

Granian closes the connection over a rest that no view has read, and whoever is still sending misses
the response: nginx takes that for a service that is away. So the rest is read and dropped, whoever
refused the request. Uvicorn reads on itself.
"""

import time
from contextlib import suppress
from io import IOBase
from typing import IO, Any

_CHUNK_SIZE = 64 * 1024
# More than nginx lets in, and longer than it takes to send what it holds already. Whoever sends
# more than this unread, or more slowly, loses the connection.
_MAX_DISCARDED = 64 * 1024 * 1024
_MAX_SECONDS = 10


class EndingBody(IOBase):
    """A body that is let go when the request is over, while the request itself stays for a while.

    Every request of Django's is part of reference cycles, and so stays until the oldest objects are
    collected. With its body it would keep half a megabyte of the server's buffers.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream: IO[bytes] | None = stream

    def read(self, size: int = -1) -> bytes:
        return self._open().read(size)

    def readline(self, size: int | None = -1) -> bytes:
        return self._open().readline(-1 if size is None else size)

    def close(self) -> None:
        """Leave the server's own stream open, which is the server's to close."""
        self._stream = None
        super().close()

    def _open(self) -> IO[bytes]:
        if self._stream is None:
            raise ValueError("The request is over.")
        return self._stream


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
