"""Calls of the kernel that Python has no name for."""

import ctypes
import os
import sys

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long
_LIBC.syscall.argtypes = [ctypes.c_long] * 7
_LIBC.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
# Of a library that is called without giving up Python's lock, as a fork has to be.
_fork = ctypes.PyDLL(None, use_errno=True).fork
_CAPABILITIES_VERSION_3 = 0x20080522
_HEADER = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION_3, 0)
_NONE_OF_THEM = (ctypes.c_uint32 * 6)()


def call(number: int, *arguments: int) -> int:
    """Make a system call by its number; raises OSError."""
    return _checked(_LIBC.syscall(number, *(*arguments, 0, 0, 0, 0, 0, 0)[:6]))


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """Change something of this process (prctl(2)); raises OSError."""
    _checked(_LIBC.prctl(option, first, second, 0, 0))


def drop_capabilities() -> None:
    """Give up every capability (capset(2)), where this process has any; raises OSError."""
    _checked(_LIBC.capset(_HEADER, _NONE_OF_THEM))


def fork() -> int:
    """Fork a process that has one thread; raises OSError.

    `os.fork` also puts Python's own locks and threads in order, of which such a process has none:
    that writes to 190 pages, each of which has to be copied for the child.
    """
    return os.fork() if sys.platform == "darwin" else _checked(_fork())


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
