"""Keeps a group of processes: all run, or none does.

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

from devkit.children import Child, Reaper, describe_exit
from devkit.messages import complain

STOP_TIMEOUT = 10.0
POLL_INTERVAL = 0.1
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
        self.reaper = Reaper()
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
        self.reaper.close()

    def start(self, name: str, command: Sequence[str | Path]) -> Child:
        child = Child.start(
            self.reaper, name, command, env=self._env, cwd=self._cwd, output=subprocess.PIPE
        )
        return self.add(child)

    def add(self, child: Child) -> Child:
        """Supervise a child that is running already."""
        self._children.append(child)
        if child.process.stdout:
            reader = threading.Thread(target=_show, args=(child.name, child.process.stdout))
            reader.daemon = True
            reader.start()
            self._readers.append(reader)
        return child

    def check(self) -> None:
        """Raise ChildEnded when any child, or the reaper, has ended."""
        everyone = {child.name: child.process for child in self._children}
        for name, process in (everyone | {"reaper": self.reaper.process}).items():
            code = process.poll()
            if code is not None:
                raise ChildEnded(f"{name} {describe_exit(code)}")

    def watch(self) -> None:
        """Never return: raise ChildEnded, or KeyboardInterrupt at a stop signal."""
        while True:
            self.check()
            time.sleep(POLL_INTERVAL)

    def _stop_all(self) -> None:
        for child in reversed(self._children):
            child.stop(STOP_TIMEOUT)


_terminal = threading.Lock()


def _show(name: str, lines: IO[bytes]) -> None:
    """Print each line under the child's name; a closed terminal must not stop the processes."""
    for line in lines:
        text = line.decode(errors="replace").rstrip()
        with _terminal, suppress(OSError):
            print(f"{name:<6} | {text}", file=sys.stdout, flush=True)
