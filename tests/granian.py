"""The HTTP server as a deployment runs it, on the test's own database."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.notifications.sockets.clients import server_environment
from tests.processes import Running, launch, until_started
from tests.servers.ports import free_ports


@contextmanager
def run_granian(folder: Path, workers: int = 1, **variables: str) -> Iterator[Running]:
    """Run so many processes on one port until the block ends, and kill them."""
    [port] = free_ports(1)
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port),
               "--workers", str(workers), "--blocking-threads", "2", "--respawn-failed-workers",
               "config.wsgi:application"]  # fmt: skip
    log, env = folder / f"granian-{port}.log", server_environment(folder, port) | variables
    server = launch(Running, command, port, log, env, start_new_session=True)
    try:
        until_started(server)
        yield server
    finally:
        with suppress(ProcessLookupError):  # the test ended it
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(timeout=60)
