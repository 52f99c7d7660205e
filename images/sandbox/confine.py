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


WALLS = ("limits", "user", "privileges", "files", "calls")


class WallMissing(Exception):
    """A wall cannot be built here; its name and the reason."""


def confine(parent: int, *, is_required: bool) -> dict[str, str]:
    """Build every wall but the last; return each with "", or with the reason why it does not stand.

    `parent` is the process without which this one must not live. Raises WallMissing where a wall
    cannot be built that is required.
    """
    walls: dict[str, Callable[[], None]] = {
        "limits": _limit,
        "user": _become_nobody,
        "privileges": partial(_give_up_privileges, parent),
        "files": landlock.restrict,
    }
    return _build(walls, is_required=is_required)


def refuse_system_calls(*, is_required: bool) -> dict[str, str]:
    """Build the last wall, behind which no other could be built; as `confine`."""
    return _build({"calls": seccomp.install}, is_required=is_required)


def _build(walls: Mapping[str, Callable[[], None]], *, is_required: bool) -> dict[str, str]:
    tried = {}
    for name, build in walls.items():
        try:
            build()
        except (OSError, ValueError) as error:
            tried[name] = str(error)
            if is_required:
                raise WallMissing(f"{name}: {error}") from None
        else:
            tried[name] = ""
    return tried


def _limit() -> None:
    """Set limits that only a process with privileges could raise again."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
        resource.RLIMIT_FSIZE: MAX_OUTPUT_BYTES,
        resource.RLIMIT_AS: MAX_MEMORY_BYTES,
        resource.RLIMIT_CPU: MAX_CPU_SECONDS,
        resource.RLIMIT_NPROC: MAX_THREADS,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for limit, most in limits.items():
        _, hard = resource.getrlimit(limit)
        lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (lower, lower))


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
