"""Outlives the process that started it just long enough to end what that process left behind.

Run as a script. Standard input carries a command a line: `group PID SIGNAL` (a process group to
end), `gone PID`, `remove PATH`. The end of input, or another parent, means that the starter has
ended, even by SIGKILL.
"""

import os
import select
import shutil
import signal
import sys
import time
from contextlib import suppress

TIMEOUT = 3.0
POLL_INTERVAL = 0.5


class Leftovers:
    """The process groups to end and the paths to remove."""

    def __init__(self) -> None:
        self.groups: dict[int, int] = {}
        self.paths: list[str] = []

    def apply(self, line: str) -> None:
        command, _, argument = line.partition(" ")
        if command == "group":
            group, _, signum = argument.partition(" ")
            self.groups[int(group)] = int(signum)
        elif command == "gone":
            self.groups.pop(int(argument), None)
        elif command == "remove":
            self.paths.append(argument)

    def clean_up(self) -> None:
        """Send each group its own signal, kill what is left after TIMEOUT, remove the paths."""
        for group, signum in self.groups.items():
            _signal_group(group, signum)
        deadline = time.monotonic() + TIMEOUT
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


def read_commands(parent: int, leftovers: Leftovers) -> None:
    """Apply commands until the starter has ended, the last one included."""
    text = b""
    while True:
        # A process forked from the starter may hold the pipe's other end open.
        has_ended = os.getppid() != parent
        if not select.select([0], [], [], 0 if has_ended else POLL_INTERVAL)[0]:
            if has_ended:
                return
            continue
        data = os.read(0, 65536)
        if not data:
            return
        *lines, text = (text + data).split(b"\n")
        for line in lines:
            leftovers.apply(line.decode())


def main() -> None:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    leftovers = Leftovers()
    read_commands(int(sys.argv[1]), leftovers)
    leftovers.clean_up()


if __name__ == "__main__":
    main()
