"""Keeps a small family of processes: all run, or none does.

Every line of a child is shown under its name. The first child to end ends the others; Ctrl-C,
SIGTERM and SIGHUP stop them in reverse order of their start.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO, Self

from devkit.children import Child, Guard, describe_exit
from devkit.messages import complain

STOP_SECONDS = 10.0
POLL_SECONDS = 0.1
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ChildEnded(Exception):
    """A child that should run on has ended; the text names it and says how."""


def _interrupt(signum: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signum)


class Supervisor:
    """Use as a context: leaving it, for whatever reason, stops every child.

    A stop signal raises KeyboardInterrupt inside; a second one, while the children are given time
    to stop, ends them at once.
    """

    def __init__(self, env: Mapping[str, str], cwd: Path) -> None:
        self.guard = Guard()
        self._env = env
        self._cwd = cwd
        self._children: list[Child] = []
        self._readers: list[threading.Thread] = []

    def __enter__(self) -> Self:
        for signum in STOP_SIGNALS:
            signal.signal(signum, _interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._stop_all()
        except KeyboardInterrupt:
            complain("ending what has not stopped yet")
        for signum in STOP_SIGNALS:
            signal.signal(signum, signal.SIG_IGN)
        for child in self._children:
            child.end()
        for reader in self._readers:
            reader.join(1.0)
        self.guard.close()

    def start(self, name: str, command: Sequence[str | Path]) -> Child:
        child = Child.start(
            self.guard, name, command, env=self._env, cwd=self._cwd, output=subprocess.PIPE
        )
        return self.adopt(child)

    def adopt(self, child: Child) -> Child:
        """Keep a child that was started with a pipe as its output."""
        self._children.append(child)
        if child.process.stdout:
            reader = threading.Thread(target=_show, args=(child.name, child.process.stdout))
            reader.daemon = True
            reader.start()
            self._readers.append(reader)
        return child

    def check(self) -> None:
        """Raises ChildEnded when any child, or the guard, has ended."""
        everyone = {child.name: child.process for child in self._children}
        for name, process in (everyone | {"guard": self.guard.process}).items():
            code = process.poll()
            if code is not None:
                raise ChildEnded(f"{name} {describe_exit(code)}")

    def watch(self) -> None:
        """Return never: raises ChildEnded, or KeyboardInterrupt at a stop signal."""
        while True:
            self.check()
            time.sleep(POLL_SECONDS)

    def _stop_all(self) -> None:
        for child in reversed(self._children):
            child.stop(STOP_SECONDS)


_terminal = threading.Lock()


def _show(name: str, lines: IO[bytes]) -> None:
    """Print each line under the child's name; a reader that went away must not stop the family."""
    for line in lines:
        text = line.decode(errors="replace").rstrip()
        with _terminal, suppress(OSError):
            print(f"{name:<6} | {text}", file=sys.stdout, flush=True)
