"""Free TCP ports on the loopback interface."""

import socket
import time
from contextlib import ExitStack


def free_ports(count: int) -> list[int]:
    """Ports that are all free at the same moment, so that no two are the same."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(condition, what: str, *, child, seconds: float = 60.0) -> None:
    """Poll `condition`; raises RuntimeError when `child` ends first or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if not child.is_running():
            raise RuntimeError(f"{what} ended with exit code {child.process.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} was not ready within {seconds:.0f} s")
        time.sleep(0.02)
