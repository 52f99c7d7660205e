"""`/healthz` and `/readyz` on a port of their own, answered by a program beside this process.

`config.health.responder` says why. The processes of a container share the port: whichever the
system hands a connection to answers it, for the process that it belongs to.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings

from lib.watchdog import ProgressMark, progress_mark

_RESPONDER = Path(__file__).with_name("responder.py")
_BACKLOG = 64
_LINE_TIMEOUT = 3.0
_MAX_LINE = 8_192
_MAX_AT_ONCE = 32
# Between two starts of a responder that ends by itself, which only a lack of memory explains.
_START_INTERVAL = 1.0


class HealthServer:
    """The port, and who answers there; raise OSError where the port is taken."""

    def __init__(self, port: int, mark: ProgressMark, patience: float) -> None:
        """`patience` is how long the mark may be old before the process is said to stand still."""
        self._socket = socket.create_server(("", port), backlog=_BACKLOG, reuse_port=True)
        self._mark, self._patience = mark, patience
        self._questions = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._slots = threading.BoundedSemaphore(_MAX_AT_ONCE)
        self._is_closed = False
        self._responder: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    def start(self) -> None:
        self._start_responder()
        for work in (self._keep_responder, self._serve):
            threading.Thread(target=work, name="health", daemon=True).start()

    def close(self) -> None:
        self._is_closed = True
        for each in (self._socket, self._questions):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        if self._responder:
            self._responder.kill()
            self._responder.wait()

    def _start_responder(self) -> None:
        files = (self._socket.fileno(), self._mark.file)
        own_port = self._questions.getsockname()[1]
        arguments = [*map(str, files), str(own_port), str(self._patience)]
        self._responder = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-I", "-S", str(_RESPONDER), *arguments],
            pass_fds=files, env={}, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def _keep_responder(self) -> None:
        while self._responder:
            self._responder.wait()
            if self._is_closed:
                return
            time.sleep(_START_INTERVAL)
            with suppress(OSError):
                self._start_responder()

    def _serve(self) -> None:
        """Say of this process whether it is ready, whenever the responder asks."""
        with suppress(OSError):
            while True:
                asking, _ = self._questions.accept()
                if self._slots.acquire(blocking=False):
                    threading.Thread(target=self._answer, args=(asking,), daemon=True).start()
                else:
                    asking.close()

    def _answer(self, asking: socket.socket) -> None:
        try:
            with suppress(OSError), asking:
                asking.settimeout(_LINE_TIMEOUT)
                query = asking.recv(_MAX_LINE).decode("latin-1").strip()
                status, body = _readiness(parse_qs(query).get("for", [""])[-1])
                asking.sendall(f"{status} {json.dumps(body)}".encode())
        finally:
            self._slots.release()


def _readiness(asked_for: str) -> tuple[int, dict[str, Any]]:
    # It needs the models, and so Django, which is set up by now.
    from config.health.views import readiness

    return readiness(asked_for)


def serve_own_health() -> None:
    """Answer `/healthz` and `/readyz` at HEALTH_PORT, where it is set, beside the requests."""
    if settings.HEALTH_PORT:
        try:
            server = HealthServer(settings.HEALTH_PORT, progress_mark(), settings.WATCHDOG_SECONDS)
        except OSError as error:
            raise SystemExit(f"tintype: HEALTH_PORT: {error.strerror}.") from None
        server.start()
