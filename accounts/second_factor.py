"""The second factor of staff: codes of an app (TOTP, RFC 6238), and recovery codes.

django-otp keeps both: one `TOTPDevice` of an account, and one `StaticDevice` with its recovery
codes. `accounts.staff_rights` says what a session has without a code. Whatever adds or removes a
factor locks the account's row first.
"""

import hashlib
import secrets

from django.db import transaction
from django.utils import timezone
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice, default_key

from accounts.exceptions import FactorExists, TooManyAttempts, WrongCode
from accounts.models import User
from accounts.security_log import record_event
from accounts.services import end_every_session
from accounts.staff_rights import Factor

RECOVERY_CODES = 10
# Each wrong code doubles the time until the next is looked at, to 2⁹ seconds: somebody who has
# found the password keeps nobody out for longer, and guesses a hundred times a day.
MAX_COUNTED_FAILURES = 10
# Without what is read as something else; 16 of them are 79 bits.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_CODE_LENGTH, _GROUP_LENGTH = 16, 4


def has_factor(user: User) -> bool:
    return find_app(user) is not None


def find_app(user: User) -> TOTPDevice | None:
    """Return the app that an account added, if it has."""
    found: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    return found


def count_recovery_codes(user: User) -> int:
    """Return how many are left."""
    return int(StaticToken.objects.filter(device__user=user).count())


def spend_code(user: User, code: str) -> Factor:
    """Spend a code of the app, or a recovery code, and return what it belongs to.

    Each is good once, also for two requests at the same moment. Raise WrongCode, and
    TooManyAttempts after wrong ones.
    """
    normalized = "".join(code.split()).replace("-", "").lower()
    is_of_app = normalized.isascii() and normalized.isdigit()
    devices = TOTPDevice.objects if is_of_app else StaticDevice.objects
    with transaction.atomic():
        device = devices.select_for_update().filter(user=user, confirmed=True).first()
        # A wrong code is counted by the commit.
        is_right = device is not None and _try(device, normalized)
    if device is None or not is_right:
        record_event("second-factor.refused", user)
        raise WrongCode
    if isinstance(device, StaticDevice):
        record_event("recovery-code.used", user, left=device.token_set.count())
    return device


def _try(device: Factor, code: str) -> bool:
    """Verify a code under the lock on its device; raise TooManyAttempts."""
    is_allowed, why = device.verify_is_allowed()
    if not is_allowed:
        seconds = (why["locked_until"] - timezone.now()).total_seconds()
        raise TooManyAttempts(max(1, round(seconds)))
    is_right = bool(device.verify_token(code if isinstance(device, TOTPDevice) else _digest(code)))
    if device.throttling_failure_count > MAX_COUNTED_FAILURES:
        device.throttling_failure_count = MAX_COUNTED_FAILURES
        device.save(update_fields=["throttling_failure_count"])
    return is_right


# --- Adding and removing --------------------------------------------------------------------------


def make_key() -> str:
    """Return a new secret for an app, in hexadecimal digits."""
    return str(default_key())


def app_address(user: User, key: str) -> str:
    """Return what an app reads from the QR code: the secret, and whose it is."""
    return str(TOTPDevice(user=user, key=key).config_url)


@transaction.atomic
def add_factor(user: User, *, key: str, code: str, replaces: bool = False) -> list[str]:
    """Give an account a second factor by a code of its app; return its recovery codes.

    Another factor is replaced if `replaces`, and every session of the account ends. Raise WrongCode
    and FactorExists.
    """
    User.objects.lock(user.pk)
    if has_factor(user):
        if not replaces:
            raise FactorExists
        _remove(user)
    device = TOTPDevice.objects.create(user=user, name="app", key=key)
    normalized = "".join(code.split())
    if not (normalized.isascii() and normalized.isdigit() and device.verify_token(normalized)):
        raise WrongCode
    record_event("second-factor.added", user)
    return _make_codes(user)


@transaction.atomic
def make_recovery_codes(user: User) -> list[str]:
    """Make an account's recovery codes anew: those of before are good no more."""
    User.objects.lock(user.pk)
    codes = _make_codes(user)
    record_event("recovery-codes.made", user)
    return codes


def _make_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery codes")
    codes = [
        "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))
        for _ in range(RECOVERY_CODES)
    ]
    tokens = [StaticToken(device=device, token=_digest(code)) for code in codes]
    StaticToken.objects.bulk_create(tokens)
    return [_grouped(code) for code in codes]


def _digest(code: str) -> str:
    """Return what is stored of a recovery code, as long as django-otp stores it.

    Codes are random, so a plain digest suffices.
    """
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def _grouped(code: str) -> str:
    starts = range(0, _CODE_LENGTH, _GROUP_LENGTH)
    return "-".join(code[start : start + _GROUP_LENGTH] for start in starts)


@transaction.atomic
def remove_factor(user: User) -> bool:
    """Remove an account's second factor and end every session; return whether it had one."""
    User.objects.lock(user.pk)
    if not has_factor(user):
        return False
    _remove(user)
    return True


def _remove(user: User) -> None:
    forget_factor(user)
    record_event("second-factor.removed", user)
    end_every_session(user)


def forget_factor(user: User) -> None:
    """Delete an account's second factor; the caller holds the account's lock."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
