"""How a web process behind a proxy ends without refusing a request that is on its way.

A proxy keeps connections, and may send a request on one in the moment in which it is closed; and
whoever has connected to a socket that listens is refused when that is closed, until it was taken
over. So a process that is to end first answers for some seconds more, each time with the word that
the connection ends with the response. Then it lets nobody connect any more, and once those are
heard who have connected, it ends. `lib.draining_server` says when.
"""

import ctypes
import logging
import os
import signal
import socket
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)
# What the server tells its workers.
END_CONNECTIONS, REFUSE_CONNECTIONS = signal.SIGUSR1, signal.SIGUSR2
_SO_ATTACH_FILTER = 26
# Drop what has the flag SYN, as whoever begins to connect sends it, in the words of the kernel's
# filters: `ldb [13]; jset #2; ret #0; ret #-1`.
_DROP_SYN = b"".join(
    struct.pack("HBBI", *each)
    for each in ((0x30, 0, 0, 13), (0x45, 0, 1, 2), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
)


class DrainingApplication:
    """A WSGI application that ends the connection with each response, once it is told to."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._is_ending = False

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            # It may have been told while the application worked.
            if self._is_ending:
                headers = [*headers, ("Connection", "close")]
            return start_response(status, headers, *more)

        return self._application(environ, start)

    def listen_to_server(self) -> None:
        """Do what the server says by signals; to be called in the main thread."""
        signal.signal(END_CONNECTIONS, self._end_connections)
        signal.signal(REFUSE_CONNECTIONS, lambda *_: refuse_connections())

    def _end_connections(self, *_: object) -> None:
        self._is_ending = True


def refuse_connections() -> None:
    """Let nobody connect to this process any more; who has connected already is served.

    Who tries hears nothing, asks again a second later, and is refused where the socket is closed
    by then: a proxy asks another process.
    """
    for listener in _listeners():
        with listener:
            memory = ctypes.create_string_buffer(_DROP_SYN)
            program = struct.pack("HP", len(_DROP_SYN) // 8, ctypes.addressof(memory))
            try:
                listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
            except OSError as error:
                logger.warning("requests may be refused by the end of this process: %s", error)


def _listeners() -> Iterator[socket.socket]:
    """Yield duplicates of the TCP sockets at which this process listens."""
    for name in Path("/proc/self/fd").iterdir():
        # The folder that is being read has one, too.
        with suppress(OSError):
            number = int(name.name)
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            found = socket.socket(fileno=os.dup(number))
            if found.family in (socket.AF_INET, socket.AF_INET6) and found.getsockopt(
                socket.SOL_SOCKET, socket.SO_ACCEPTCONN
            ):
                yield found
            else:
                found.close()
