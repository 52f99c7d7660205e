"""`/healthz` and `/readyz` on a port of their own, in threads that no request takes.

The processes of a container share the port: whichever the system hands a connection to answers it.
"""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

# A client that says nothing, or reads nothing, is let go.
_TIMEOUT = 5
_MAX_AT_ONCE = 32


def serve_health(port: int) -> ThreadingHTTPServer:
    """Serve in threads that end with the process; raise OSError where the port is taken."""
    server = _Server(("", port), _Handler)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_port = True
    request_queue_size = 64

    def __init__(self, *arguments: Any) -> None:
        self._slots = threading.BoundedSemaphore(_MAX_AT_ONCE)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread; whoever comes while all are taken is let go."""
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _TIMEOUT

    def setup(self) -> None:
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def do_GET(self) -> None:
        """Answer as the views do."""
        address = urlsplit(self.path)
        path = address.path.rstrip("/")
        if path == "/healthz":
            self._answer(200, "text/plain", b"ok")
        elif path == "/readyz":
            status, body = _readiness(parse_qs(address.query).get("for", [""])[-1])
            self._answer(status, "application/json", json.dumps(body).encode())
        else:
            self._answer(404, "text/plain", b"not found")

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        head = (
            f"HTTP/1.0 {status} {'OK' if status == 200 else 'No'}\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n"
        )
        self.wfile.write(head.encode() + (b"" if self.command == "HEAD" else body))

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log."""


def _readiness(asked_for: str) -> tuple[int, dict[str, Any]]:
    # It needs the models, and so Django, which is set up by now.
    from config.health.views import readiness

    return readiness(asked_for)


def serve_own_health() -> None:
    """Answer `/healthz` and `/readyz` at HEALTH_PORT, where it is set, beside the requests."""
    if settings.HEALTH_PORT:
        try:
            serve_health(settings.HEALTH_PORT)
        except OSError as error:
            raise SystemExit(f"tintype: HEALTH_PORT: {error.strerror}.") from None
