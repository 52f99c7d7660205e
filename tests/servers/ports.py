"""Free TCP ports on the loopback interface.

They lie below those that a system lends to whoever asks for any, and no two parallel runs look at
the same ones: a port is bound seconds after it was found, and nobody takes it meanwhile.
"""

import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import cycle

from devkit.children import Child

# 10080 is one that browsers refuse.
MIN_PORT, MAX_PORT, MAX_WORKERS = 10_100, 32_000, 16


# A parallel process sets its number here.
PROCESS = "TINTYPE_TEST_PROCESS"


@cache
def _candidate_ports(run: int) -> Iterator[int]:
    own = range(MIN_PORT + run % MAX_WORKERS, MAX_PORT, MAX_WORKERS)
    start = random.SystemRandom().randrange(len(own))
    return cycle([*own[start:], *own[:start]])


def free_ports(count: int) -> list[int]:
    """Ports that are all free at the same moment, so that no two are the same."""
    with ExitStack() as stack:
        return [_next_free(stack.enter_context(socket.socket())) for _ in range(count)]


def _next_free(probe: socket.socket) -> int:
    for port in _candidate_ports(int(os.environ.get(PROCESS, "0"))):
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise AssertionError("unreachable: they come again and again")


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(
    condition: Callable[[], bool], what: str, *, child: Child, seconds: float = 60.0
) -> None:
    """Poll `condition`; raises RuntimeError when `child` ends first or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if not child.is_running():
            raise RuntimeError(f"{what} ended with exit code {child.process.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} was not ready within {seconds:.0f} s")
        time.sleep(0.02)
