"""`python -m benchmarks.inside.caller MODULE`: calls MODULE's WSGI application as it is told to.

It is told by lines of JSON on its standard input, and answers each by one on its standard output:
which requests there are, and how often to send them, one after the other and in turn.
"""

import importlib
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any

Environ = dict[str, Any]


class Caller:
    """An application, and the requests that it may be sent."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._requests: dict[str, tuple[Iterator[Environ], int]] = {}
        self._status = ""
        self._headers: list[tuple[str, str]] = []

    def learn(self, name: str, requests: list[Environ], expects: int) -> None:
        """Take the requests of a scenario, of which each has the status `expects`."""
        self._requests[name] = (itertools.cycle(requests), expects)

    def send(self, name: str, times: int) -> dict[str, Any]:
        """Send so many; return the CPU time of this process and the headers of the last answer."""
        requests, expects = self._requests[name]
        # What the environs take to be made is not the application's.
        environs = [_written_out(next(requests)) for _ in range(times)]
        begin = time.process_time()
        for environ in environs:
            body = self._application(environ, self._start_response)
            for _ in body:
                pass
            if close := getattr(body, "close", None):
                close()
            if not self._status.startswith(str(expects)):
                raise RuntimeError(f"{name}: {self._status}, {environ['PATH_INFO']}")
        return {"cpu": time.process_time() - begin, "headers": self._headers}

    def _start_response(self, status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        self._status, self._headers = status, headers


def _written_out(environ: Environ) -> Environ:
    """Return what a server makes of a request."""
    body = environ["body"].encode("latin-1")
    return {
        **{name: value for name, value in environ.items() if name != "body"},
        "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }


def main() -> None:
    """Answer until the input ends."""
    # What the application prints is none of the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    caller = Caller(importlib.import_module(sys.argv[1]).application)
    for line in sys.stdin:
        asked = json.loads(line)
        answer: Any = getattr(caller, asked.pop("do"))(**asked)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
