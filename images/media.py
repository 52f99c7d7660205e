"""Signed, short-lived addresses of stored files: `/images/<key>?expires=…&signature=…`.

An address stays the same within a window, so that a browser that lists again finds its copy.
"""

import time
from urllib.parse import quote

from django.conf import settings

from images.signing import signature, stands

_PURPOSE = "media"


def signed_path(key: str) -> str:
    """Return the address, without host, under which whoever holds it gets the bytes for a while.

    It works for one to two windows from now.
    """
    window = settings.MEDIA_URL_WINDOW
    expires = (int(time.time()) // window + 2) * window
    mark = signature(_PURPOSE, f"{key}:{expires}")
    return f"{settings.MEDIA_URL}{quote(key)}?expires={expires}&signature={mark}"


def seconds_left(key: str, expires: str, given: str) -> int:
    """Return for how many seconds an address still works: 0 when over, or not made here."""
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
        return 0
    if not stands(_PURPOSE, f"{key}:{expires}", given):
        return 0
    return max(0, int(expires) - int(time.time()))
