"""Child processes that end when this process ends, whatever ends it.

Three means tie each child to it: a session of its own, so that its process group can be ended at
once; on Linux a death signal; and one reaper process that outlives this one and ends what is left.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

_HERE = Path(__file__).parent
# A socket's path may have 104 characters on macOS; 30 are left for the names inside the folder.
MAX_FOLDER_LENGTH = 70
Output = int | IO[bytes] | None


class Reaper:
    """Ends the registered groups and removes the registered folders when this process ends."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_HERE / "reaper.py"), str(os.getpid())],
            stdin=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._children: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pipe(self) -> IO[bytes]:
        """The end to write to; there is one as long as the reaper was started by `__init__`."""
        if self.process.stdin is None:
            raise RuntimeError("the reaper has no pipe")
        return self.process.stdin

    def make_folder(self, prefix: str) -> Path:
        """Make a private folder, short enough for sockets, that is removed at the end."""
        parent = tempfile.gettempdir()
        short = parent if len(parent) <= MAX_FOLDER_LENGTH else "/tmp"  # noqa: S108 (mkdtemp is safe)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=short))
        self.remove_at_end(folder)
        return folder

    def remove_at_end(self, path: Path) -> None:
        self._send(f"remove {path}")

    def add(self, process: "subprocess.Popen[bytes]") -> None:
        self._children[process.pid] = process

    def remove(self, group: int) -> None:
        self._children.pop(group, None)
        self._send(f"gone {group}")

    def close(self) -> None:
        """End what is left and wait until that is done; safe to call twice."""
        self.pipe.close()
        # Unless they are waited for here, ended children look alive to the reaper.
        for process in self._children.values():
            process.wait()
        self.process.wait()

    def _send(self, line: str) -> None:
        with suppress(BrokenPipeError):
            self.pipe.write(f"{line}\n".encode())


class Child:
    """A running command, the leader of its own session."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", reaper: Reaper) -> None:
        self.name = name
        self.process = process
        self._reaper = reaper
        reaper.add(process)

    @classmethod
    def start(
        cls,
        reaper: Reaper,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        output: Output = None,
        user: str = "",
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> Self:
        """Start `command`; call this from the main thread, since Linux watches the thread's end."""
        pipe = reaper.pipe.fileno()
        launch = [sys.executable, "-I", "-S", _HERE / "launch.py", pipe, int(death_signal)]
        process = subprocess.Popen(
            [str(word) for word in (*launch, os.getpid(), user, *command)],
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            pass_fds=[pipe],
            start_new_session=True,
        )
        return cls(name, process, reaper)

    def is_running(self) -> bool:
        return self.process.poll() is None

    def send_signal(self, signum: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to the leader alone."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signum)

    def end(self) -> int:
        """Kill the whole process group; return the leader's exit code."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        self._reaper.remove(self.process.pid)
        return code

    def stop(self, seconds: float, signum: signal.Signals = signal.SIGTERM) -> int:
        """Signal the leader, wait at most `seconds`, then kill what is left of its group."""
        self.send_signal(signum)
        return self.wait(seconds)

    def wait(self, seconds: float) -> int:
        """Do the rest of `stop`: a second signal may kill a leader that is shutting down."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.end()


def describe_exit(code: int) -> str:
    """Return how a process ended, from Popen's return code."""
    if code < 0:
        return f"was ended by signal {-code} ({signal.Signals(-code).name})"
    return f"ended with exit code {code}"


def which(*names: str, folders: Sequence[Path] = ()) -> Path | None:
    """Return the first of `names` that is on PATH or in `folders`."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, folders)])
    for name in names:
        if found := shutil.which(name, path=path):
            return Path(found)
    return None
