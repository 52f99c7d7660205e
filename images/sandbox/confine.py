"""What a decoder gives up before it sees a stranger's picture; nothing of it can be taken back.

Each wall stands by itself: whoever gets over one stands before the next. Limits and an environment
without secrets are had everywhere, the others on Linux alone.
"""

import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial

from images.sandbox import landlock, seccomp
from images.sandbox.system_calls import drop_capabilities, prctl

MAX_MEMORY_BYTES = 1024**3
MAX_CPU_SECONDS = 10
# All that one job may write: it has one file, or none.
MAX_OUTPUT_BYTES = 256 * 1024**2
MAX_OPEN_FILES = 16
# Threads, which the kernel counts together with all that runs as the same user.
MAX_THREADS = 4096
# Where the service runs as root: a user and a group of nobody else's (Debian reserves the range).
UNPRIVILEGED = 65_533
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38

Build = Callable[[], None]
WALLS = ("limits", "user", "privileges", "files", "calls")


class WallMissing(Exception):
    """A wall cannot be built here; its name and the reason."""


class Confinement:
    """Every wall, prepared once for all processes that are forked later.

    What is prepared costs those no time: what a forked process does for the first time makes the
    kernel copy memory for it.
    """

    def __init__(self, *, is_required: bool) -> None:
        """Raise nothing where a wall cannot be built: that is told when it has to be."""
        self._is_required = is_required
        self._limits = _limits()
        self._restrict_files = _prepare(landlock.prepare)
        self._refuse_calls = _prepare(seccomp.prepare)

    def confine(self, parent: int) -> dict[str, str]:
        """Build every wall but the last; return each with "", or the reason why it does not stand.

        `parent` is the process without which this one must not live. Raises WallMissing where a
        wall cannot be built that is required.
        """
        walls: dict[str, Build] = {
            "limits": self._limit,
            "user": _become_nobody,
            "privileges": partial(_give_up_privileges, parent),
            "files": self._restrict_files,
        }
        return self._build(walls)

    def refuse_system_calls(self) -> dict[str, str]:
        """Build the last wall, behind which no other could be built; as `confine`."""
        return self._build({"calls": self._refuse_calls})

    def _build(self, walls: Mapping[str, Build]) -> dict[str, str]:
        tried = {}
        for name, build in walls.items():
            try:
                build()
            except (OSError, ValueError) as error:
                tried[name] = str(error)
                if self._is_required:
                    raise WallMissing(f"{name}: {error}") from None
            else:
                tried[name] = ""
        return tried

    def _limit(self) -> None:
        """Set limits that only a process with privileges could raise again."""
        for limit, most in self._limits:
            resource.setrlimit(limit, (most, most))


def _prepare(prepare: Callable[[], Build]) -> Build:
    try:
        return prepare()
    except OSError as error:
        return partial(_raise, error)


def _raise(error: OSError) -> None:
    raise error


def _limits() -> list[tuple[int, int]]:
    """Return what there is a limit of, and the limit, which is never above what holds already."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
        resource.RLIMIT_FSIZE: MAX_OUTPUT_BYTES,
        resource.RLIMIT_AS: MAX_MEMORY_BYTES,
        resource.RLIMIT_CPU: MAX_CPU_SECONDS,
        resource.RLIMIT_NPROC: MAX_THREADS,
        resource.RLIMIT_MEMLOCK: 0,
    }
    found = []
    for limit, most in limits.items():
        _, hard = resource.getrlimit(limit)
        found.append((limit, most if hard == resource.RLIM_INFINITY else min(most, hard)))
    return found


def _require_linux() -> None:
    if sys.platform != "linux":
        raise OSError("Linux alone has this")


def _become_nobody() -> None:
    """Become another user, where the service is root; any other user is without rights anyway."""
    if os.geteuid() != 0:
        return
    os.setgroups([])
    os.setresgid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)
    os.setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED)


def _give_up_privileges(parent: int) -> None:
    """Have no capability, no way to get one, and no life without a parent."""
    _require_linux()
    drop_capabilities()
    prctl(_PR_SET_NO_NEW_PRIVS, 1)
    prctl(_PR_SET_DUMPABLE, 0)
    # A change of user clears this, so it comes after.
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
