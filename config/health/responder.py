"""Answers `/healthz` for another process, and passes on `/readyz` to it: a program of its own.

It shares nothing with that process but a socket that listens and a few bytes of memory, in which
the process marks its progress. So it answers at once, whatever that process does: it may be at
work in all its threads, or stand still in one that lets no other run. It is started by
`config.health.listener`, loads a handful of modules of the standard library, and ends with the
process that it answers for.

    responder.py LISTENER MARK PORT PATIENCE

are the numbers of two inherited files, the port of this machine alone at which `/readyz` is asked,
and the seconds without a mark after which the process makes no progress (0: nobody looks).
"""

import mmap
import os
import select
import signal
import socket
import struct
import sys
import threading
import time
from contextlib import suppress

# A client that says nothing, or reads nothing, is let go.
_TIMEOUT = 5.0
_MAX_AT_ONCE = 64
_MAX_HEAD = 8_192
# The process answers in two seconds, or it has no time for it.
_READY_TIMEOUT = 2.8
_PARENT_INTERVAL = 0.5
_MARK = struct.Struct("d")
_TEXT, _JSON = "text/plain", "application/json"
_SILENT = b'{"ready": false, "missing": ["process"], "parts": {"process": "silent"}}'
Answer = tuple[int, str, bytes]


class Responder:
    def __init__(self, listener: socket.socket, mark: mmap.mmap, own_port: int, patience: float):
        self._listener, self._mark = listener, mark
        self._own_port, self._patience = own_port, patience
        self._parent = os.getppid()
        self._slots = threading.BoundedSemaphore(_MAX_AT_ONCE)

    def serve(self) -> None:
        """Answer until the parent has ended."""
        self._listener.settimeout(0)
        poll = select.poll()
        poll.register(self._listener, select.POLLIN)
        while True:
            is_asked = poll.poll(_PARENT_INTERVAL * 1000)
            if os.getppid() != self._parent:
                return
            # Another process that listens at the port may have been faster.
            with suppress(OSError):
                if is_asked:
                    self._take(self._listener.accept()[0])

    def _take(self, client: socket.socket) -> None:
        if not self._slots.acquire(blocking=False):
            client.close()
            return
        threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        try:
            with suppress(OSError), client:
                client.settimeout(_TIMEOUT)
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                method, _, rest = _read_head(client).partition(" ")
                client.sendall(_write(method, self._respond(method, rest.split(" ")[0])))
        finally:
            self._slots.release()

    def _respond(self, method: str, target: str) -> Answer:
        if method not in {"GET", "HEAD"}:
            return 501, _TEXT, b"not implemented"
        path, _, query = target.partition("?")
        if path.rstrip("/") == "/healthz":
            return self._health()
        if path.rstrip("/") == "/readyz":
            return self._readiness(query)
        return 404, _TEXT, b"not found"

    def _health(self) -> Answer:
        (marked_at,) = _MARK.unpack_from(self._mark)
        age = time.monotonic() - marked_at
        if self._patience and marked_at and age > self._patience:
            return 503, _TEXT, f"no progress for {age:.0f} s".encode()
        return 200, _TEXT, b"ok"

    def _readiness(self, query: str) -> Answer:
        """Ask the process, by a line, and return its status and body, separated by a space."""
        try:
            own = ("127.0.0.1", self._own_port)
            with socket.create_connection(own, _READY_TIMEOUT) as process:
                process.sendall(query.encode() + b"\n")
                status, _, body = _read_all(process).partition(b" ")
            return int(status), _JSON, body
        except (OSError, ValueError):
            return 503, _JSON, _SILENT


def _write(method: str, answer: Answer) -> bytes:
    status, kind, body = answer
    head = (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if method == "HEAD" else body)


def _read_head(client: socket.socket) -> str:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _MAX_HEAD:
        part = client.recv(_MAX_HEAD)
        if not part:
            break
        head += part
    return head.split(b"\r\n", 1)[0].decode("latin-1")


def _read_all(process: socket.socket) -> bytes:
    ends_at, found = time.monotonic() + _READY_TIMEOUT, b""
    while part := process.recv(65_536):
        found += part
        process.settimeout(max(0.01, ends_at - time.monotonic()))
    return found


def main(listener: int, mark: int, own_port: int, patience: float) -> None:
    # The process that it answers for decides when both end.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    memory = mmap.mmap(mark, _MARK.size, prot=mmap.PROT_READ)
    Responder(socket.socket(fileno=listener), memory, own_port, patience).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
