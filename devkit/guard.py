"""Outlives the process that started it just long enough to end what that process left behind.

Run as a script. Standard input carries one word and its argument a line: `group PID SIGNAL` (a
process group to end), `gone PID`, `remove PATH`. The end of input, or another parent, means that
the starter has ended, even by SIGKILL.
"""

import os
import select
import shutil
import signal
import sys
import time
from contextlib import suppress

GRACE_SECONDS = 3.0
POLL_SECONDS = 0.5


class Charges:
    """The process groups to end and the paths to remove."""

    def __init__(self) -> None:
        self.groups: dict[int, int] = {}
        self.paths: list[str] = []

    def obey(self, line: str) -> None:
        word, _, argument = line.partition(" ")
        if word == "group":
            group, _, signum = argument.partition(" ")
            self.groups[int(group)] = int(signum)
        elif word == "gone":
            self.groups.pop(int(argument), None)
        elif word == "remove":
            self.paths.append(argument)

    def end(self) -> None:
        """Ask each group with its own signal, then insist, then remove the paths."""
        for group, signum in self.groups.items():
            _signal_group(group, signum)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and any(map(_is_alive, self.groups)):
            time.sleep(0.02)
        for group in self.groups:
            _signal_group(group, signal.SIGKILL)
        for path in self.paths:
            _remove(path)


def _remove(path: str) -> None:
    with suppress(OSError):
        if os.path.isdir(path):  # noqa: PTH112 (pathlib takes longer to load than this runs)
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)  # noqa: PTH108


def _signal_group(group: int, signum: int) -> bool:
    try:
        os.killpg(group, signum)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _is_alive(group: int) -> bool:
    return _signal_group(group, 0)


def watch(parent: int, charges: Charges) -> None:
    """Obey until the starter ends, and to its last word.

    The parent is looked at as well as the pipe, because a process forked from the starter may
    hold the pipe's other end open.
    """
    text = b""
    while True:
        has_ended = os.getppid() != parent
        if not select.select([0], [], [], 0 if has_ended else POLL_SECONDS)[0]:
            if has_ended:
                return
            continue
        data = os.read(0, 65536)
        if not data:
            return
        *lines, text = (text + data).split(b"\n")
        for line in lines:
            charges.obey(line.decode())


def main() -> None:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    charges = Charges()
    watch(int(sys.argv[1]), charges)
    charges.end()


if __name__ == "__main__":
    main()
