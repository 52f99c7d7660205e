"""The floor of every request: WSGI applications that know the answer already."""

from collections.abc import Callable, Iterable
from typing import Any

_JSON = b'{"id": 1}'


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer `/file/<key>` with a redirect for nginx, anything else with a little JSON."""
    path: str = environ["PATH_INFO"]
    if path.startswith("/file/"):
        inside = path.replace("/file/", "/protected/", 1)
        headers = [("X-Accel-Redirect", inside), ("Content-Type", "image/jpeg")]
        start_response("200 OK", headers)
        return [b""]
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(_JSON)))]
    start_response("200 OK", headers)
    return [_JSON]
