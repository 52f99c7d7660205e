"""What a sandboxed process gives up before it sees a stranger's picture.

Memory, CPU time and file sizes are limited (setrlimit(2)); Landlock leaves it no file but those of
the work folder; seccomp refuses the network and other programs. Landlock and seccomp are Linux's:
elsewhere the limits alone hold.
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
from typing import Any, TypeVar

from landlock import Ruleset, landlock_abi_version

from lib.request_id import use_request_id

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

MAX_MEMORY_BYTES = 1024**3
MAX_CPU_SECONDS = 10
MAX_FILE_BYTES = 512 * 1024**2
MAX_OPEN_FILES = 64
# prctl(2), seccomp(2) and classic BPF by the kernel's own numbers: Python names none of them.
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER = 2
_BPF_LOAD, _BPF_JUMP_IF_EQUAL, _BPF_RETURN = 0x20, 0x15, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | 1  # SECCOMP_RET_ERRNO with EPERM
# By machine: its AUDIT_ARCH number, then the numbers of the system calls that are refused there:
# sockets, other programs, other processes' memory, io_uring (which could open sockets by itself).
_ARCHITECTURES = {
    "x86_64": (0xC000003E, (41, 42, 49, 50, 53, 59, 101, 310, 311, 322, 425)),
    "aarch64": (0xC00000B7, (198, 199, 200, 201, 203, 117, 221, 270, 271, 281, 425)),
}


def confine(work_dir: str, modules: Sequence[str], log_config: dict[str, Any]) -> None:
    """Give up everything but reading and writing in the work folder; this cannot be undone.

    The modules, and what they import, are loaded first: afterwards their files cannot be opened.
    `log_config` is what `logging.config.dictConfig` takes.
    """
    # A stranger's file must not fill the log with libvips' warnings about it.
    os.putenv("VIPS_WARNING", "0")
    logging.config.dictConfig(log_config)
    for name in modules:
        import_module(name)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_OPEN_FILES, MAX_OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    if sys.platform == "linux":
        _die_with_parent()
        _restrict_paths_to(work_dir)
        _refuse_system_calls()


def run_with_cpu_limit(
    request_id: str,
    work: Callable[..., Result],
    args: Sequence[object],
    kwargs: Mapping[str, object],
) -> Result:
    """Call a function; the kernel kills the process when it has used MAX_CPU_SECONDS for it."""
    used = _cpu_seconds()
    resource.setrlimit(resource.RLIMIT_CPU, (int(used) + MAX_CPU_SECONDS, resource.RLIM_INFINITY))
    with use_request_id(request_id):
        try:
            return work(*args, **kwargs)
        finally:
            logger.info("%s took %.3f s of CPU", work.__qualname__, _cpu_seconds() - used)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _die_with_parent() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _restrict_paths_to(work_dir: str) -> None:
    """Leave no path but the work folder by Landlock, which Linux has since 5.13."""
    if landlock_abi_version():
        rules = Ruleset()
        rules.allow(work_dir)
        rules.apply()


def _refuse_system_calls() -> None:
    """Install a seccomp filter by which the calls of _ARCHITECTURES fail with EPERM."""
    known = _ARCHITECTURES.get(platform.machine())
    if known is None:
        return
    program = _assemble_filter(*known)
    buffer = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header))


def _assemble_filter(architecture: int, refused: tuple[int, ...]) -> bytes:
    """Assemble the filter as classic BPF; every call of another architecture is refused."""
    last = len(refused)
    steps = [
        (_BPF_LOAD, 0, 0, 4),
        (_BPF_JUMP_IF_EQUAL, 0, last + 2, architecture),
        (_BPF_LOAD, 0, 0, 0),
        *((_BPF_JUMP_IF_EQUAL, last - place, 0, call) for place, call in enumerate(refused)),
        (_BPF_RETURN, 0, 0, _ALLOW),
        (_BPF_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _prctl(option: int, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, *arguments, *([0] * (4 - len(arguments)))):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
