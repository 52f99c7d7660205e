"""A cookie by which a device that signed in before is known, as OWASP's device cookies.

Somebody who guesses at an account is throttled by network; a device with this cookie is counted for
itself, so that no guesses of others keep its owner out. It signs nobody in.
"""

import secrets
import time

from django.conf import settings
from django.http import HttpResponseBase

from accounts.cookies import cookie_prefix
from accounts.models import User
from accounts.names import login_key
from lib.signing import make_signature, verify_signature

LIFETIME_SECONDS = 180 * 24 * 3600
_PURPOSE = "known device"


def device_cookie() -> str:
    """Return the cookie's name."""
    return f"{cookie_prefix()}device"


def remember_device(response: HttpResponseBase, user: User) -> None:
    """Set the cookie for an account that has just signed in."""
    message = f"{secrets.token_hex(8)}.{int(time.time())}"
    value = f"{message}.{make_signature(_PURPOSE, _signed(message, user.username))}"
    response.set_cookie(
        device_cookie(),
        value,
        max_age=LIFETIME_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.TOKEN_COOKIES_SECURE,
    )


def known_device(value: str, login: str) -> str:
    """Return the id of a device that signed in to this account before, or ""."""
    message, _, signature = value.rpartition(".")
    device, _, issued = message.partition(".")
    if not (issued.isascii() and issued.isdigit() and len(issued) <= 12):
        return ""
    is_fresh = 0 <= time.time() - int(issued) < LIFETIME_SECONDS
    if is_fresh and verify_signature(_PURPOSE, _signed(message, login), signature):
        return device
    return ""


def _signed(message: str, login: str) -> str:
    return f"{message}.{login_key(login)}"
