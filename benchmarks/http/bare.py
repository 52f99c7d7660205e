"""The floor of every request: WSGI applications that know the answer already.

Files leave with the headers that the service gave one: `benchmarks.http.suite` leaves them in the
file that BENCH_HEADERS names.
"""

import json
import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

_JSON = b'{"id": 1}'


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer `/file/<key>` with a redirect for nginx, anything else with a little JSON."""
    path: str = environ["PATH_INFO"]
    if path.startswith("/file/"):
        inside = path.replace("/file/", "/protected/", 1)
        start_response("200 OK", [("X-Accel-Redirect", inside), *_headers()])
        return [b""]
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(_JSON)))]
    start_response("200 OK", headers)
    return [_JSON]


@cache
def _headers() -> list[tuple[str, str]]:
    found = json.loads(Path(os.environ["BENCH_HEADERS"]).read_text())
    return [(name, value) for name, value in found]
