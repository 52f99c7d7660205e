"""Landlock (landlock(7)) by its three system calls: no file, no port, no signal to another process.

Whatever a kernel can restrict is restricted without a single exception, so that no path has to be
named. Each version (ABI) of Landlock knows more.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Callable

from images.sandbox.system_calls import call

_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_VERSION = 1
# By the version since which they are known: how many kinds of access to files there are.
_FILE_ACCESSES = {1: 13, 2: 14, 3: 15, 5: 16}
_PORTS_SINCE, _PORTS = 4, 0b11
_SCOPES_SINCE, _SCOPES = 6, 0b11


def version() -> int:
    """Return the version of Landlock that the kernel offers, 0 where it offers none."""
    try:
        return call(_CREATE_RULESET, 0, 0, _VERSION)
    except OSError:
        return 0


def prepare() -> Callable[[], None]:
    """Return what makes a process of ours give up all that the kernel can restrict; once in each.

    That is files, TCP ports, abstract sockets and signals to others; what is open stays open. Both
    raise OSError, and the second needs `no_new_privs`.
    """
    known = version() if sys.platform == "linux" else 0
    if not known:
        raise OSError("this kernel offers no Landlock")
    accesses = max(count for since, count in _FILE_ACCESSES.items() if since <= known)
    attributes = struct.pack("Q", (1 << accesses) - 1)
    if known >= _PORTS_SINCE:
        attributes += struct.pack("Q", _PORTS)
    if known >= _SCOPES_SINCE:
        attributes += struct.pack("Q", _SCOPES)
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    ruleset = call(_CREATE_RULESET, ctypes.addressof(buffer), len(attributes))

    def restrict() -> None:
        call(_RESTRICT_SELF, ruleset)
        os.close(ruleset)

    return restrict
