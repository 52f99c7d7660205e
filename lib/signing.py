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
    return partial(_sign, _keyed(settings.SECRET_KEY, purpose))


def verify_signature(purpose: str, message: str, signature: str) -> bool:
    """Tell whether `make_signature` made this signature for this purpose and message."""
    if not signature.isascii():
        return False
    try:
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            if hmac.compare_digest(_sign(_keyed(secret, purpose), message), signature):
                return True
    except UnicodeEncodeError:  # half a surrogate pair, which nobody can have signed
        pass
    return False


def _sign(keyed: hmac.HMAC, message: str) -> str:
    mac = keyed.copy()
    mac.update(message.encode())
    return urlsafe_b64encode(mac.digest()[:_SIGNATURE_BYTES])[:_SIGNATURE_LENGTH].decode()


@cache
def _keyed(secret: str, purpose: str) -> hmac.HMAC:
    """Return what is copied for each message: to begin with the key costs as much as the rest."""
    salted = salted_hmac("images.signing", purpose, secret=secret, algorithm="sha256")
    return hmac.new(salted.digest(), digestmod="sha256")
