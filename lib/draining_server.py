"""Granian that ends as `lib.draining` says: `python -m lib.draining_server SECONDS …`.

SIGTERM begins to drain, and again ends at once, as SIGINT does.
"""

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from granian import cli
from granian.server.mp import MPServer

from lib.draining import END_CONNECTIONS, REFUSE_CONNECTIONS

# So long until those are heard who have connected; less than the second after which somebody who
# could not connect asks again, and is to find the socket closed.
_SETTLING_SECONDS = 0.8


class DrainingServer(MPServer):
    """Granian whose workers answer for some seconds after SIGTERM."""

    drain_seconds = 0.0
    _is_draining = False

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        if args[0] != signal.SIGTERM or self._is_draining:
            super().signal_handler_interrupt(*args, **kwargs)  # type: ignore[no-untyped-call]
        else:
            self._is_draining = True
            threading.Thread(target=self._drain, args=args, daemon=True).start()

    def _drain(self, *args: Any) -> None:
        self._tell_workers(END_CONNECTIONS)
        time.sleep(self.drain_seconds)
        self._tell_workers(REFUSE_CONNECTIONS)
        time.sleep(_SETTLING_SECONDS)
        super().signal_handler_interrupt(*args)  # type: ignore[no-untyped-call]

    def _tell_workers(self, what: signal.Signals) -> None:
        for worker in self.wrks:
            with suppress(ProcessLookupError):
                os.kill(worker.inner.pid, what)


def main() -> None:
    """Take the seconds from the command line and leave the rest of it to granian."""
    DrainingServer.drain_seconds = float(sys.argv.pop(1))
    # A worker that is not there yet has nobody to be told of; it would end by them.
    for each in (END_CONNECTIONS, REFUSE_CONNECTIONS):
        signal.signal(each, signal.SIG_IGN)
    cli.Server = DrainingServer  # type: ignore[attr-defined]  # there is no other way to name it
    cli.entrypoint()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
