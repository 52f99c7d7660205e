"""Signed, short-lived addresses of stored files: `/images/<key>?expires=…&signature=…`, or S3's.

An address stays the same within a window, so that a browser that lists again finds its copy.
"""

import time
from urllib.parse import quote

from django.conf import settings

from images.storage import base as picture_storage
from lib.signing import signature, stands

_PURPOSE = "media"


def address_of(key: str, host: str = "") -> str:
    """Return the address under which whoever holds it gets the bytes for a while.

    The storage's own where it has one, else ours: of `host` (scheme and name), or without.
    """
    window = settings.MEDIA_URL_WINDOW
    begins = int(time.time()) // window * window
    return picture_storage.address(key, begins, 2 * window) or host + signed_path(key)


def sources() -> str:
    """Return what a page that shows pictures writes into its policy's `img-src`."""
    return f"'self' blob: data: {picture_storage.origin()}".rstrip()


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
