"""Where coded pixels end, by asking their decoder: what follows may be anything.

A decoder that stops early says nothing of what it has not read. So the end of the data is replaced
by other bytes: as long as the pixels stay the same, no pixel was in it.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pyvips

Decode = Callable[[bytes], bytes]
# Less than any of these would not be worth a decode; coders write a few bytes more than they need.
_PROBE_BYTES = 8
_OTHERS = (b"\xaa", b"\x55")


def without_unused_tail(content: bytes, decode: Decode) -> bytes:
    """Return the content up to where its pixels end; the same where nothing is left over.

    `decode` returns the same for the same pixels, b"" for none.
    """
    pixels, length = decode(content), len(content)

    def is_enough(end: int) -> bool:
        rest = length - end
        return all(decode(content[:end] + other * rest) == pixels for other in _OTHERS)

    if not pixels or length <= _PROBE_BYTES or not is_enough(length - _PROBE_BYTES):
        return content
    enough, step = length - _PROBE_BYTES, 2 * _PROBE_BYTES
    while enough and is_enough(max(0, enough - step)):
        enough, step = max(0, enough - step), 2 * step
    low = max(0, enough - step)
    while low < enough:
        middle = (low + enough) // 2
        low, enough = (low, middle) if is_enough(middle) else (middle + 1, enough)
    # Without those few bytes some decoders miss something, though no pixel.
    ends = range(enough, min(enough + _PROBE_BYTES, length))
    return next((content[:end] for end in ends if decode(content[:end]) == pixels), content)


def pixels_of(file: bytes, load: Callable[..., Any], **options: Any) -> bytes:
    """Return a hash of what libvips decodes of a file; b"" of one that it does not."""
    try:
        return sha256(load(file, **options).write_to_memory()).digest()
    except pyvips.Error:
        return b""
