"""Memory that is no longer needed, given back to the system by glibc, which else keeps some."""

import ctypes

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back_memory() -> None:
    """Take a few milliseconds at most; do nothing where the C library has no such function."""
    if _trim:
        _trim(0)
