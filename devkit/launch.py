"""Becomes the command of one child after tying its life to its parent's.

Run as a script: `launch.py REAPER_FD DEATH_SIGNAL PARENT USER COMMAND…` (USER may be empty). It
registers the process group that it leads with the reaper first, so that it never runs unwatched.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1
ORPHAN = "the parent ended before its child could start"


def _become(name: str) -> None:
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def _die_with(parent: int, signum: int) -> None:
    """Ask Linux for `signum` at the parent's death; elsewhere the reaper alone must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:
        raise SystemExit(ORPHAN)


def main() -> None:
    reaper, signum, parent, user, *command = sys.argv[1:]
    try:
        os.write(int(reaper), f"group {os.getpid()} {signum}\n".encode())
    except BrokenPipeError:
        raise SystemExit(ORPHAN) from None
    os.close(int(reaper))
    if user:
        _become(user)
    # A change of user clears the death signal, so it is asked for afterwards.
    _die_with(int(parent), int(signum))
    # Python ignores SIGPIPE, and what is ignored stays so in the command.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 (no shell is wanted)
    except OSError as error:
        raise SystemExit(f"{command[0]}: {error.strerror}") from None


if __name__ == "__main__":
    main()
