"""Codes as an app and a person's notes show them."""

import time

from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.second_factor import add_factor, make_key


def code_of(key: str, *, later: int = 0) -> str:
    """Return what an app shows, now or so many of its half minutes later."""
    totp = TOTP(bytes.fromhex(key))
    totp.time = time.time() + 30 * later
    return f"{totp.token():06d}"


def next_code(user: User) -> str:
    """Return a code that was not used yet, as the account's app shows it half a minute later."""
    device = TOTPDevice.objects.get(user=user)
    return code_of(device.key, later=1)


def give_factor(user: User) -> list[str]:
    """Add an app to an account, whose code of this half minute is used; return recovery codes."""
    key = make_key()
    return add_factor(user, key=key, code=code_of(key))
