"""Short signatures for URLs, made with SECRET_KEY and verified with SECRET_KEY_FALLBACKS too."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

# 128 bits: a forger needs more tries than the lifetime of any URL allows.
_SIGNATURE_BYTES = 16
# In base64, without its padding.
_SIGNATURE_LENGTH = 22


def make_signature(purpose: str, message: str) -> str:
    """Sign a message for one purpose: 22 characters that need no quoting in a URL."""
    return signer(purpose)(message)


def signer(purpose: str) -> Callable[[str], str]:
    """Return `make_signature` for one purpose, for many messages at once."""
    return partial(_sign, _keyed(settings.SECRET_KEY, purpose))


def verify_signature(purpose: str, message: str, signature: str) -> bool:
    """Tell whether `make_signature` made this signature for this purpose and message."""
    if not signature.isascii():
        return False
    try:
        if _is_signed_with(settings.SECRET_KEY, purpose, message, signature):
            return True
        for secret in settings.SECRET_KEY_FALLBACKS:
            if _is_signed_with(secret, purpose, message, signature):
                return True
    except UnicodeEncodeError:  # half a surrogate pair, which nobody can have signed
        pass
    return False


def _is_signed_with(secret: str, purpose: str, message: str, signature: str) -> bool:
    return hmac.compare_digest(_sign(_keyed(secret, purpose), message), signature)


@dataclass(frozen=True, slots=True)
class _Keyed:
    """The two hashes of RFC 2104's HMAC, to which the key has been given.

    They are copied for each message: to begin with the key costs as much as the rest, and to copy
    the library's object, which is the same, twice as much.
    """

    inner: Any
    outer: Any


def _sign(keyed: _Keyed, message: str) -> str:
    inner, outer = keyed.inner.copy(), keyed.outer.copy()
    inner.update(message.encode())
    outer.update(inner.digest())
    return urlsafe_b64encode(outer.digest()[:_SIGNATURE_BYTES])[:_SIGNATURE_LENGTH].decode()


@cache
def _keyed(secret: str, purpose: str) -> _Keyed:
    salted = salted_hmac("images.signing", purpose, secret=secret, algorithm="sha256")
    key = salted.digest().ljust(sha256().block_size, b"\0")
    return _Keyed(sha256(key.translate(hmac.trans_36)), sha256(key.translate(hmac.trans_5C)))
