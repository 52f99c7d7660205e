"""The local run: `./dev run`, with everything that lives because of it."""

import os
import sys
from contextlib import suppress

import requests

from benchmarks.parts import TREE
from devkit.children import Child, Reaper
from tests.servers.ports import free_ports, wait_until


class LocalRun:
    """A run on a new folder; started by `__init__`, which returns when every part is ready."""

    def __init__(self, reaper: Reaper) -> None:
        folder = reaper.make_folder("tintype-bench-")
        [self.port] = free_ports(1)
        # A run without TLS listens for sockets on the same port.
        self.sockets = f"127.0.0.1:{self.port}"
        env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        env |= {
            "PORT": str(self.port),
            "DATA_DIR": str(folder / "data"),
            "RATE_LIMITS": "off",
            "SIGNUP_TIER": "Enterprise",
            "ALLOWED_HOSTS": "*",
        }
        command = [sys.executable, "dev", "run"]
        with (folder / "log").open("wb") as output:
            self.child = Child.start(reaper, "dev run", command, env=env, cwd=TREE, output=output)
        wait_until(self._is_ready, "./dev run", child=self.child, seconds=120)

    def _is_ready(self) -> bool:
        with suppress(requests.RequestException):
            answer = requests.get(f"http://localhost:{self.port}/readyz", timeout=10)
            return bool(answer.status_code == requests.codes.ok)
        return False
