"""Which system calls a decoder may make: one table, with the numbers of both machines.

What is allowed reads and writes what is open, takes memory, runs threads and asks for the time.
What a library may ask for without need is refused with an error, which it lives with. Whatever else
is asked for ends the process: nothing that decodes a picture does so. Calls that are newer than
this table do not exist, so that a newer C library falls back on older ones.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass

# By machine: its AUDIT_ARCH number.
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# From this number on, x86-64 takes a call for one of its x32 interface.
X32_BIT = 0x40000000
# The last call that this table knows of: futex_requeue, of Linux 6.7.
NEWEST = 456
# What pthread_create(3) asks for, in glibc and in musl: a thread, not a process.
THREAD_FLAGS = (0x3D0F00, 0x7D0F00)
_EXECUTABLE = 4  # PROT_EXEC
_GET_DESCRIPTOR_FLAGS, _GET_FILE_FLAGS = 1, 3
_SET_NAME = 15
THIS_PROCESS = "this process"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The call is made."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The call fails with an error, by its number."""

    error: int


@dataclass(frozen=True, slots=True)
class OnlyWith:
    """The call is made where an argument (counted from 0) is one of some values.

    THIS_PROCESS stands for the number of the process. Otherwise the call fails with an error, or
    without one ends the process.
    """

    argument: int
    values: tuple[int | str, ...]
    error: int | None = None


@dataclass(frozen=True, slots=True)
class OnlyWithout:
    """The call is made where an argument has none of some bits; otherwise it fails."""

    argument: int
    bits: int
    error: int


Rule = Allowed | Refused | OnlyWith | OnlyWithout


@dataclass(frozen=True, slots=True)
class Call:
    """A system call: its number by machine, where the machine has it, and what becomes of it."""

    name: str
    x86_64: int | None
    aarch64: int | None
    rule: Rule


_ALLOWED = Allowed()
_NO_FILE = Refused(errno.EACCES)
_NOT_PERMITTED = Refused(errno.EPERM)
_MISSING = Refused(errno.ENOSYS)
_NO_CODE = OnlyWithout(2, _EXECUTABLE, errno.EPERM)

# The numbers are the kernel's: arch/x86/entry/syscalls/syscall_64.tbl and
# include/uapi/asm-generic/unistd.h. What is called most stands first, since it is found first.
CALLS = (
    Call("futex", 202, 98, _ALLOWED),
    Call("mmap", 9, 222, _NO_CODE),
    Call("munmap", 11, 215, _ALLOWED),
    Call("mprotect", 10, 226, _NO_CODE),
    Call("madvise", 28, 233, _ALLOWED),
    Call("brk", 12, 214, _ALLOWED),
    Call("mremap", 25, 216, _ALLOWED),
    # Files that are open.
    Call("read", 0, 63, _ALLOWED),
    Call("write", 1, 64, _ALLOWED),
    Call("lseek", 8, 62, _ALLOWED),
    Call("close", 3, 57, _ALLOWED),
    Call("fstat", 5, 80, _ALLOWED),
    Call("fcntl", 72, 25, OnlyWith(1, (_GET_DESCRIPTOR_FLAGS, _GET_FILE_FLAGS), errno.EPERM)),
    # Threads and signals.
    Call("clone", 56, 220, OnlyWith(0, THREAD_FLAGS)),
    Call("clone3", 435, 435, _MISSING),  # its flags lie in memory, where a filter cannot look
    Call("rseq", 334, 293, _ALLOWED),
    Call("set_robust_list", 273, 99, _ALLOWED),
    Call("set_tid_address", 218, 96, _ALLOWED),
    Call("sched_yield", 24, 124, _ALLOWED),
    Call("sched_getaffinity", 204, 123, _ALLOWED),
    Call("getcpu", 309, 168, _ALLOWED),
    Call("exit", 60, 93, _ALLOWED),
    Call("exit_group", 231, 94, _ALLOWED),
    Call("rt_sigaction", 13, 134, _ALLOWED),
    Call("rt_sigprocmask", 14, 135, _ALLOWED),
    Call("rt_sigreturn", 15, 139, _ALLOWED),
    Call("sigaltstack", 131, 132, _ALLOWED),
    Call("restart_syscall", 219, 128, _ALLOWED),
    Call("kill", 62, 129, OnlyWith(0, (THIS_PROCESS,))),
    Call("tgkill", 234, 131, OnlyWith(0, (THIS_PROCESS,))),
    # What it is, and what time it is.
    Call("getpid", 39, 172, _ALLOWED),
    Call("gettid", 186, 178, _ALLOWED),
    Call("getuid", 102, 174, _ALLOWED),
    Call("geteuid", 107, 175, _ALLOWED),
    Call("getgid", 104, 176, _ALLOWED),
    Call("getegid", 108, 177, _ALLOWED),
    Call("clock_gettime", 228, 113, _ALLOWED),
    Call("clock_getres", 229, 114, _ALLOWED),
    Call("clock_nanosleep", 230, 115, _ALLOWED),
    Call("nanosleep", 35, 101, _ALLOWED),
    Call("gettimeofday", 96, 169, _ALLOWED),
    Call("time", 201, None, _ALLOWED),
    Call("times", 100, 153, _ALLOWED),
    Call("getrusage", 98, 165, _ALLOWED),
    Call("getrandom", 318, 278, _ALLOWED),
    Call("sysinfo", 99, 179, _ALLOWED),
    Call("uname", 63, 160, _ALLOWED),
    Call("prctl", 157, 167, OnlyWith(0, (_SET_NAME,), errno.EPERM)),
    # What libraries ask for and do without.
    Call("open", 2, None, _NO_FILE),
    Call("openat", 257, 56, _NO_FILE),
    Call("openat2", 437, 437, _NO_FILE),
    Call("stat", 4, None, _NO_FILE),
    Call("lstat", 6, None, _NO_FILE),
    Call("newfstatat", 262, 79, _NO_FILE),
    Call("statx", 332, 291, _NO_FILE),
    Call("statfs", 137, 43, _NO_FILE),
    Call("access", 21, None, _NO_FILE),
    Call("faccessat", 269, 48, _NO_FILE),
    Call("faccessat2", 439, 439, _NO_FILE),
    Call("readlink", 89, None, _NO_FILE),
    Call("readlinkat", 267, 78, _NO_FILE),
    Call("getcwd", 79, 17, _NO_FILE),
    Call("ioctl", 16, 29, Refused(errno.ENOTTY)),
    Call("fadvise64", 221, 223, _NOT_PERMITTED),
    Call("getrlimit", 97, 163, _NOT_PERMITTED),
    Call("prlimit64", 302, 261, _NOT_PERMITTED),
    Call("sched_getparam", 143, 121, _NOT_PERMITTED),
    Call("sched_getscheduler", 145, 120, _NOT_PERMITTED),
    Call("sched_setscheduler", 144, 119, _NOT_PERMITTED),
    Call("sched_setaffinity", 203, 122, _NOT_PERMITTED),
    Call("get_mempolicy", 239, 236, _NOT_PERMITTED),
    Call("membarrier", 324, 283, _NOT_PERMITTED),
)


def rules_of(machine: str) -> Mapping[int, Rule]:
    """Return the rules of a machine in ARCHITECTURES by the numbers of the calls."""
    numbered = ((getattr(each, machine), each.rule) for each in CALLS)
    return {number: rule for number, rule in numbered if number is not None}
