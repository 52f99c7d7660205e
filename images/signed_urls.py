"""Signed, short-lived URLs of stored files: `/images/<key>?expires=…&signature=…`, or S3's own.

The URL of an original that its owner gets also bears the uploader's file name (`&name=…`), under
which it then leaves: checking a URL takes no query.

Time is cut into windows of MEDIA_URL_WINDOW seconds. Within a window a file's URL stays the same,
so that a browser that lists again finds the file in its cache.
"""

import re
import time
from functools import partial
from urllib.parse import quote

from django.conf import settings

from images.storage.base import picture_storage
from images.storage.keys import is_key
from lib.signing import signer, verify_signature

# RFC 3986, section 2.3.
_UNRESERVED = re.compile(r"[\w.~-]*", re.ASCII).fullmatch
# A file, or whatever of a picture may leave to anyone: one signature is never good for the other.
_FILE, _PICTURE = "media", "media-of-anyone"


def signed_url(key: str, host: str = "", *, name: str = "") -> str:
    """Return a URL that gives the bytes to whoever has it, for one to two windows from now.

    It is the storage's presigned URL where there is one, else ours, which begins with `host`
    (scheme and host name) or is relative to it. The file leaves under `name`, or under that of its
    key; only whoever may change the picture gets a URL with the uploader's.
    """
    return UrlSigner(host).file_url(key, name)


def signed_picture_url(key: str, host: str) -> str:
    """Return a URL that gives whoever has it what a link to the picture would give.

    That is the original without metadata, or the best thumbnail where the owner's tier grants no
    original. `key` is the original's; which file leaves is decided when the URL is opened.
    """
    return UrlSigner(host).picture_url(key)


def image_sources() -> str:
    """Return the `img-src` directive's value for a page that shows pictures."""
    return f"'self' blob: data: {picture_storage.origin}".rstrip()


def signed_path(key: str, name: str = "") -> str:
    """Return our URL of a file, without scheme and host."""
    return UrlSigner().file_path(key, name)


class UrlSigner:
    """Signs the URLs of a page's files: what they have in common is looked up once."""

    def __init__(self, host: str = "") -> None:
        window = settings.MEDIA_URL_WINDOW
        begins = int(time.time()) // window * window
        self._expires, self._beginning = str(begins + 2 * window), host + settings.MEDIA_URL
        self._sign_file, self._sign_picture = signer(_FILE), signer(_PICTURE)
        self._presign = partial(picture_storage.presigned_url, begins=begins, seconds=2 * window)
        self.is_presigned = picture_storage.origin != ""

    def file_url(self, key: str, name: str = "") -> str:
        """Return what `signed_url` returns."""
        presigned = self._presign(key, name=name) if self.is_presigned else ""
        return presigned or self.file_path(key, name)

    def file_path(self, key: str, name: str = "") -> str:
        """Return our own URL of a file, whatever the storage has."""
        signature = self._sign_file(_signed_text(key, self._expires, name))
        named = f"&name={_quote(name)}" if name else ""
        return self._write(key, signature) + named

    def picture_url(self, key: str) -> str:
        """Return what `signed_picture_url` returns."""
        return self._write(key, self._sign_picture(_signed_text(key, self._expires, "")))

    def _write(self, key: str, signature: str) -> str:
        # A key of ours has no letter that needs quoting (`images.storage.keys`).
        quoted = key if is_key(key) else quote(key)
        return f"{self._beginning}{quoted}?expires={self._expires}&signature={signature}"


def _quote(name: str) -> str:
    """Quote a file name; that of most needs none, which is told in a tenth of the time."""
    return name if _UNRESERVED(name) else quote(name, safe="")


def _signed_text(key: str, expires: str, name: str) -> str:
    """Neither a key of ours nor a number has a colon, so that no two texts are the same."""
    return f"{key}:{expires}:{name}" if name else f"{key}:{expires}"


def seconds_left(key: str, expires: str, given_signature: str, name: str = "") -> int:
    """Return for how many seconds a file's URL stays valid; 0 for one that expired or is forged."""
    return _seconds_left(_FILE, key, expires, given_signature, name)


def is_valid_for_picture(key: str, expires: str, given_signature: str) -> bool:
    """Return whether `signed_picture_url` made a URL, and it has not expired."""
    return _seconds_left(_PICTURE, key, expires, given_signature) > 0


def _seconds_left(
    purpose: str, key: str, expires: str, given_signature: str, name: str = ""
) -> int:
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
        return 0
    if not verify_signature(purpose, _signed_text(key, expires, name), given_signature):
        return 0
    return max(0, int(expires) - int(time.time()))
