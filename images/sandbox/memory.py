"""The memory of a program that forks a process for each picture, laid so that a fork costs little.

A forked process shares every page until it writes to it; then the kernel copies the page, which
takes some 4 µs. So what such a process takes should lie side by side, and not in the gaps between
what is shared.
"""

import ctypes
import gc
import sys
from pathlib import Path

_LIBC = ctypes.CDLL(None)
_HUGE_PAGE = 2 * 1024**2
_MADV_HUGEPAGE, _MADV_COLLAPSE = 14, 25
# Options of mallopt(3). A process of one picture may keep what it has had: it ends soon, and what
# it took anew the kernel would have to clear again.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_NEVER, _LARGEST_KEPT = 1024**3, 32 * 1024**2
_LARGEST_PIECE = _LARGEST_KEPT - 4096
# What a picture takes at first comes in small pages, since many take no more; then so much in huge
# ones, which is what 12 megapixels take where a decoder needs them all at once.
_IN_SMALL_PAGES, _IN_HUGE_PAGES = 512 * 1024, 128 * 1024**2
# What one allocation of the C library may be to come from its heap; larger ones are mapped.
_LARGEST_CHUNK = 64 * 1024
_SMALLEST_CHUNK = 24


def share_heap() -> None:
    """Have all threads take memory from one heap; before the first thread but this one starts.

    Few run at once here, and with a heap of its own each would take memory in many small steps.
    """
    if sys.platform == "linux":
        _LIBC.mallopt(_M_ARENA_MAX, 1)


def settle() -> None:
    """Prepare for forks what was allocated until now; it is kept for ever."""
    gc.collect()
    if sys.platform == "linux":
        _fill_gaps()
        _collapse()
        _lay_out_huge_pages()
    # So that no collection in a forked process writes to what is shared.
    gc.freeze()


class HeapFacts(ctypes.Structure):
    """What mallinfo2(3) tells; the free end of the heap is a part of what is free."""

    _fields_ = (
        ("_others", ctypes.c_size_t * 8),
        ("free", ctypes.c_size_t),
        ("free_at_the_end", ctypes.c_size_t),
    )


def _fill_gaps() -> None:
    """Take all that is free between what is in use, so that new things lie side by side."""
    facts = getattr(_LIBC, "mallinfo2", None)
    if facts is None:  # not glibc, or an old one
        return
    _LIBC.mallopt(_M_TRIM_THRESHOLD, _NEVER)
    _LIBC.mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT)
    facts.restype = HeapFacts
    _LIBC.malloc.restype = ctypes.c_void_p
    _LIBC.malloc.argtypes = [ctypes.c_size_t]
    size = _LARGEST_CHUNK
    while size >= _SMALLEST_CHUNK:
        free = facts().free_at_the_end
        _LIBC.malloc(size)
        if facts().free_at_the_end != free:
            # There was no place for so much anywhere else.
            size -= max(16, size // 128 * 16)


def _lay_out_huge_pages() -> None:
    """Have the heap go on in huge pages: one costs a quarter of the small ones in its place.

    Nothing is taken by that but addresses.
    """
    facts = getattr(_LIBC, "mallinfo2", None)
    if facts is None:
        return
    begin = _end_of_heap() - facts().free_at_the_end
    first = -(-(begin + _IN_SMALL_PAGES) // _HUGE_PAGE) * _HUGE_PAGE
    # Kept and never used, so that the small pages end where a huge one can begin.
    _LIBC.malloc(first - _IN_SMALL_PAGES - begin)
    for piece in [_LIBC.malloc(_LARGEST_PIECE) for _ in range(_IN_HUGE_PAGES // _LARGEST_PIECE)]:
        _LIBC.free(ctypes.c_void_p(piece))
    length = _end_of_heap() - first
    # It fails on kernels without such pages.
    _LIBC.madvise(ctypes.c_void_p(first), ctypes.c_size_t(length), _MADV_HUGEPAGE)


def _end_of_heap() -> int:
    _LIBC.sbrk.restype, _LIBC.sbrk.argtypes = ctypes.c_ssize_t, [ctypes.c_ssize_t]
    return int(_LIBC.sbrk(0))


def _collapse() -> None:
    """Have the kernel put memory into huge pages, of which a fork copies the table at once."""
    for start, end in _anonymous_memory():
        first = -(-start // _HUGE_PAGE) * _HUGE_PAGE
        for address in range(first, end - _HUGE_PAGE + 1, _HUGE_PAGE):
            # It fails where there is nothing, and on kernels before 6.1.
            _LIBC.madvise(ctypes.c_void_p(address), ctypes.c_size_t(_HUGE_PAGE), _MADV_COLLAPSE)


def _anonymous_memory() -> list[tuple[int, int]]:
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    return [
        (int(start, 16), int(end, 16))
        for place, rights, *_, name in ([*line, ""] if len(line) == 5 else line for line in lines)
        if rights.startswith("rw") and name in {"", "[heap]"}
        for start, end in [place.split("-")]
    ]
