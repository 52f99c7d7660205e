"""A gate before a real server: open, it passes every byte; shut, nobody gets through."""

import socket
import threading
from contextlib import suppress

_CHUNK = 64 * 1024


class Gate:
    """`port` stays the same; shutting it cuts the connections that are open."""

    def __init__(self, target: int) -> None:
        self._target = ("127.0.0.1", target)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accept()

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accept()

    def shut(self) -> None:
        # Closing alone would leave the thread that accepts where it is.
        _end(self._listener)
        self._listener.close()
        with self._lock:
            for each in self._open:
                _end(each)

    def _accept(self) -> None:
        threading.Thread(target=self._accept_all, args=(self._listener,), daemon=True).start()

    def _accept_all(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        """Pass bytes both ways until both sides have ended."""
        with caller, socket.create_connection(self._target) as callee:
            with self._lock:
                self._open |= {caller, callee}
            back = threading.Thread(target=_pass, args=(callee, caller), daemon=True)
            back.start()
            _pass(caller, callee)
            back.join()
            with self._lock:
                self._open -= {caller, callee}


def _pass(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
