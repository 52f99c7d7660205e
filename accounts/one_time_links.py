"""Links that set a password or verify an address, each good once: Django's tokens, and whose."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator

from accounts.exceptions import BadLink
from accounts.models import User


class _VerificationTokens(PasswordResetTokenGenerator):
    """Of an address: none is good after the address was verified, or another was given."""

    key_salt = "accounts.verification"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{user.pk} {user.email} {user.email_verified_at} {timestamp}"


class _ResetTokens(PasswordResetTokenGenerator):
    """Django's own tokens; none is good after staff revoked the account's."""

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        revoked = f":{user.reset_revocations}" if user.reset_revocations else ""
        return f"{super()._make_hash_value(user, timestamp)}{revoked}"


_verification_tokens = _VerificationTokens()
_reset_tokens = _ResetTokens()


def reset_url(user: User) -> str:
    """Return a link that sets another password, until that was done or a day is over."""
    return f"{settings.PUBLIC_URL}/reset/{_write(user, _reset_tokens)}/"


def verification_url(user: User) -> str:
    """Return a link that verifies the account's address."""
    return f"{settings.PUBLIC_URL}/verify/{_write(user, _verification_tokens)}/"


def find_user_to_reset(token: str) -> User:
    """Return the account whose password a link resets; raise BadLink."""
    return _find(token, _reset_tokens)


def find_user_to_verify(token: str) -> User:
    """Return the account whose address a link verifies; raise BadLink."""
    return _find(token, _verification_tokens)


def _write(user: User, tokens: PasswordResetTokenGenerator) -> str:
    return f"{user.pk.hex}.{tokens.make_token(user)}"


def _find(text: str, tokens: PasswordResetTokenGenerator) -> User:
    """Return the account of a token, if it may sign in; raise BadLink."""
    key, _, token = text.partition(".")
    try:
        user = User.objects.select_related("tier").get(pk=UUID(key), is_active=True)
    except (ValueError, User.DoesNotExist) as error:
        raise BadLink from error
    if not tokens.check_token(user, token):
        raise BadLink
    return user
