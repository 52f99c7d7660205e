"""A `python` whose programs start in a quarter of the time: each is forked from a loaded process.

What is loaded there are libraries alone, nothing of the project and no settings: a program reads
its own environment, and finds of ours what a start finds. Called as a command it is for programs
that run to their end, since a signal would reach what waits for them alone; what runs until it is
told to end is a `LoadedProcess`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from devkit.children import Child, Reaper
from tests.servers.ports import wait_until

# The variable that names the one of this process, and of those that it forks or starts.
_OF_ALL = "TEST_PYTHON"
_SERVER = Path(__file__).with_name("loading_server.py")
# What is called in its place. It takes no site-packages, which it has no use for.
_CALL = """#!{python} -IS
import json, os, socket, sys
words = sys.argv[1:]
if not words[0].endswith(".py") and words[0] != "-m":
    os.execv({python!r}, [{python!r}, *words])
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    request = json.dumps([words, os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [len(request).to_bytes(8)], [0, 1, 2])
    server.sendall(request)
    server.recv(8)
    answer = server.recv(8)
sys.exit(int(answer) if answer else 1)
"""


def start_for_all(reaper: Reaper) -> None:
    """Start one for this process and those that it will fork, unless there is one."""
    if not Path(os.environ.get(_OF_ALL, "/nowhere")).exists():
        os.environ[_OF_ALL] = str(start(reaper))


def find() -> str:
    """Return the one of this test run; Python itself where none was started."""
    return os.environ.get(_OF_ALL, sys.executable)


def start(reaper: Reaper) -> Path:
    """Return the path of the program, once it may be called."""
    folder = reaper.make_folder("tintype-python-")
    address, program = folder / "socket", folder / "python"
    program.write_text(_CALL.format(python=sys.executable, address=str(address)))
    program.chmod(0o700)
    command: list[str | Path] = [sys.executable, "-P", _SERVER, address, program]
    server = Child.start(reaper, "python", command, env=os.environ)
    wait_until(address.exists, "the loaded python", child=server)
    return program


class LoadedProcess:
    """A program of the loaded `python`, with what tests ask of a `Popen`."""

    def __init__(
        self, words: Sequence[str], *, cwd: Path, env: Mapping[str, str],
        output: IO[str] | None = None,
    ) -> None:  # fmt: skip
        self.returncode: int | None = None
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(str(Path(find()).with_name("socket")))
        request = json.dumps([list(words), str(cwd), dict(env)]).encode()
        outputs = [output.fileno()] * 2 if output else [1, 2]
        with Path(os.devnull).open() as nothing:
            files = [nothing.fileno(), *outputs]
            socket.send_fds(self._server, [len(request).to_bytes(8)], files)
        self._server.sendall(request)
        self.pid = int(self._server.recv(8))

    def poll(self) -> int | None:
        return self._receive(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._receive(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, signum: int) -> None:
        # It keeps its number until its end was heard of here.
        if self.poll() is None:
            os.kill(self.pid, signum)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _receive(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                self.returncode = int(self._server.recv(8))
            except (BlockingIOError, TimeoutError):
                return None
            self._server.close()
        return self.returncode
