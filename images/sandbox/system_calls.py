"""Calls of the kernel that Python has no name for."""

import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long
_CAPABILITIES_VERSION_3 = 0x20080522


def call(number: int, *arguments: object) -> int:
    """Make a system call by its number; raises OSError."""
    whole = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    return _checked(_LIBC.syscall(ctypes.c_long(number), *whole))


def prctl(option: int, *arguments: int) -> None:
    """Change something of this process (prctl(2)); raises OSError."""
    given = [*arguments, 0, 0, 0, 0][:4]
    _checked(_LIBC.prctl(option, *map(ctypes.c_ulong, given)))


def drop_capabilities() -> None:
    """Give up every capability (capset(2)), where this process has any; raises OSError."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION_3, 0)
    _checked(_LIBC.capset(header, (ctypes.c_uint32 * 6)()))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
