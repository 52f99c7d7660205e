"""A gate before a real server: it passes every byte, or does what servers and networks do."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

_CHUNK = 64 * 1024
SLOW_SECONDS = 5.0
# open: every byte passes. silent: callers get through, and not a byte. stalled: what is under way
# stops after some bytes of an answer. slow: each chunk takes five seconds. half-closed: the server
# says no more, and still listens. error: every request of HTTP is answered with a status.
Mode = Literal["open", "silent", "stalled", "slow", "half-closed", "cut", "500", "503"]
_STALLED_AFTER = 12


class Gate:
    """`port` stays the same; shutting it cuts the connections that are open."""

    def __init__(self, target: int | Path) -> None:
        """`target` is a port of this machine, or the path of a socket."""
        self._target = target
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._mode: Mode = "open"
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accept()

    def open(self) -> None:
        """Pass everything again; what was held back meanwhile is lost with its connections."""
        self.set_mode("open")
        if self._listener.fileno() == -1:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._accept()

    def set_mode(self, mode: Mode) -> None:
        """Do so from now on, with connections that are open too."""
        if mode == "cut":
            self.shut()
            return
        with self._changed:
            was, self._mode = self._mode, mode
            self._changed.notify_all()
        if mode in {"half-closed", "500", "503"} or (mode == "open" and was != "open"):
            self._end_all(socket.SHUT_WR if mode == "half-closed" else socket.SHUT_RDWR)

    def shut(self) -> None:
        # Closing alone would leave the thread that accepts where it is.
        _end(self._listener)
        self._listener.close()
        self._end_all()

    def _end_all(self, how: int = socket.SHUT_RDWR) -> None:
        with self._lock:
            for each in self._open:
                _end(each, how)

    def _accept(self) -> None:
        threading.Thread(target=self._accept_all, args=(self._listener,), daemon=True).start()

    def _accept_all(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self._target, int):
            return socket.create_connection(("127.0.0.1", self._target))
        callee = socket.socket(socket.AF_UNIX)
        callee.connect(str(self._target))
        return callee

    def _serve(self, caller: socket.socket) -> None:
        """Pass bytes both ways until both sides have ended."""
        if self._mode in {"500", "503"}:
            _refuse(caller, self._mode)
            return
        with suppress(OSError), caller, self._connect() as callee:
            with self._lock:
                self._open |= {caller, callee}
            if self._mode == "half-closed":
                _end(caller, socket.SHUT_WR)
            back = threading.Thread(
                target=_pass, args=(callee, caller, self._hold_answer), daemon=True
            )
            back.start()
            _pass(caller, callee, self._hold_request)
            back.join()
            with self._lock:
                self._open -= {caller, callee}

    def _hold_request(self, data: bytes) -> bytes:
        if self._mode == "silent":
            self._wait_while("silent")
        return data

    def _hold_answer(self, data: bytes) -> bytes:
        mode = self._mode
        if mode == "slow":
            time.sleep(SLOW_SECONDS)
        elif mode == "stalled" and len(data) <= _STALLED_AFTER:
            self._wait_while("stalled")
        elif mode == "stalled":
            return data[:_STALLED_AFTER]
        elif mode == "silent":
            self._wait_while("silent")
        return data

    def _wait_while(self, mode: Mode) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._mode != mode)


def _pass(source: socket.socket, sink: socket.socket, hold: Callable[[bytes], bytes]) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(hold(data))
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _refuse(caller: socket.socket, status: str) -> None:
    """Answer one request of HTTP, whose length nobody reads, and close."""
    head = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with suppress(OSError), caller:
        caller.settimeout(5)
        received = caller.recv(_CHUNK)
        while received and b"\r\n\r\n" not in received:
            received += caller.recv(_CHUNK)
        caller.sendall(head.encode())
        caller.shutdown(socket.SHUT_WR)
        while caller.recv(_CHUNK):
            pass


def _end(each: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    with suppress(OSError):
        each.shutdown(how)
