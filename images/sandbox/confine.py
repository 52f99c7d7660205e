"""What a decoding process takes from itself before it sees a stranger's picture.

Limits on memory, time and files (setrlimit(2)), no file but those of the work folder (Landlock), no
network and no other program (seccomp). Linux; elsewhere the limits alone hold.
"""

import ctypes
import logging
import logging.config
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from landlock import Ruleset, landlock_abi_version

from lib.request_id import working_for

logger = logging.getLogger(__name__)
Made = TypeVar("Made")

MEMORY_BYTES = 1024**3
CPU_SECONDS = 10
LARGEST_FILE = 512 * 1024**2
_OPEN_FILES = 64
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_FILTER = 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # SECCOMP_RET_ERRNO with EPERM
# The kernel's name of the machine, then the numbers of the calls that are refused there: sockets,
# other programs, other processes' memory, io_uring (which could open sockets by itself).
_ARCHITECTURES = {
    "x86_64": (0xC000003E, (41, 42, 49, 50, 53, 59, 101, 310, 311, 322, 425)),
    "aarch64": (0xC00000B7, (198, 199, 200, 201, 203, 117, 221, 270, 271, 281, 425)),
}


def confine(work_folder: str, modules: Sequence[str], logs: dict[str, Any]) -> None:
    """Give up everything but reading and writing in the work folder; cannot be taken back.

    The modules, and what they import, are loaded before: afterwards none of them can be. `logs` is
    a configuration as `logging.config` takes it.
    """
    # A stranger's file must not fill the log with what libvips thinks of it.
    os.putenv("VIPS_WARNING", "0")
    logging.config.dictConfig(logs)
    for name in modules:
        import_module(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    if sys.platform == "linux":
        _die_with_parent()
        _keep_to(work_folder)
        _refuse_calls()


def timed(
    request_id: str,
    work: Callable[..., Made],
    args: Sequence[object],
    kwargs: Mapping[str, object],
) -> Made:
    """Call a function that may use CPU_SECONDS; the kernel ends the process when they are over."""
    used = _cpu_seconds()
    resource.setrlimit(resource.RLIMIT_CPU, (int(used) + CPU_SECONDS, resource.RLIM_INFINITY))
    with working_for(request_id):
        try:
            return work(*args, **kwargs)
        finally:
            logger.info("%s took %.3f s of CPU", work.__qualname__, _cpu_seconds() - used)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _die_with_parent() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _keep_to(work_folder: str) -> None:
    """Landlock (kernel 5.13): the work folder, and no other path."""
    if landlock_abi_version():
        rules = Ruleset()
        rules.allow(work_folder)
        rules.apply()


def _refuse_calls() -> None:
    """Install a seccomp filter; the calls above fail with EPERM."""
    known = _ARCHITECTURES.get(platform.machine())
    if known is None:
        return
    program = _filter(*known)
    buffer = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, ctypes.create_string_buffer(header))


def _filter(architecture: int, refused: tuple[int, ...]) -> bytes:
    """Write the filter as classic BPF: another architecture's calls are refused altogether."""
    last = len(refused)
    steps = [
        (_LOAD, 0, 0, 4),
        (_JUMP_IF_EQUAL, 0, last + 2, architecture),
        (_LOAD, 0, 0, 0),
        *((_JUMP_IF_EQUAL, last - place, 0, call) for place, call in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _prctl(option: int, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, *arguments, *([0] * (4 - len(arguments)))):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def own_threads() -> int:
    """Return how many threads this process has; Landlock binds only the one that calls."""
    return len(list(Path("/proc/self/task").iterdir()))
