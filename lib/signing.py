"""Short signatures for URLs, made with SECRET_KEY and verified with SECRET_KEY_FALLBACKS too."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import cache, partial

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
    return partial(_sign, _key(settings.SECRET_KEY, purpose))


def verify_signature(purpose: str, message: str, signature: str) -> bool:
    """Tell whether `make_signature` made this signature for this purpose and message."""
    try:
        given = signature.encode()
        return any(
            hmac.compare_digest(_sign(_key(key, purpose), message).encode(), given)
            for key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        )
    except UnicodeEncodeError:  # half a surrogate pair, which nobody can have signed
        return False


def _sign(key: bytes, message: str) -> str:
    digest = hmac.digest(key, message.encode(), "sha256")
    return urlsafe_b64encode(digest[:_SIGNATURE_BYTES])[:_SIGNATURE_LENGTH].decode()


@cache
def _key(secret: str, purpose: str) -> bytes:
    return salted_hmac("images.signing", purpose, secret=secret, algorithm="sha256").digest()
