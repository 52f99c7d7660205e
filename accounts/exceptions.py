"""What can go wrong with an account, in the domain's terms."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from django.core.exceptions import PermissionDenied


class BadCredentials(Exception):
    """The login is unknown, the password is wrong, or the account is disabled: never told which."""


class WrongCode(Exception):
    """The code of the second factor is wrong, was used before, or the account has no factor."""


class FactorExists(Exception):
    """The account has a second factor: only whoever has it puts another in its place."""


class BadToken(Exception):
    """The token is invalid: forged, expired, or of a session that has ended."""


class MissingScope(PermissionDenied):
    """The token may not do this: it lacks scopes."""

    def __init__(self, scopes: Sequence[str]) -> None:
        """`scopes` are those that are missing."""
        self.scopes = " ".join(scopes)
        super().__init__(f"The token lacks the scope {self.scopes}.")


class TooManyTokens(Exception):
    """The account has as many named tokens as it may have."""

    def __init__(self, most: int) -> None:
        super().__init__(f"An account has at most {most} named tokens: end one first.")


class TooManyAttempts(Exception):
    """A throttle refused the attempt, before any password was hashed."""

    def __init__(self, retry_after: int) -> None:
        """`retry_after` is the number of seconds after which another attempt may pass."""
        super().__init__(f"Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class HashingBusy(Exception):
    """Too many passwords are being hashed; `retry_after` seconds later there may be room."""

    retry_after = 2


class CrossSiteRequest(Exception):
    """A page of another site tried to act with this browser's cookies."""


class NoPassword(Exception):
    """The account has no password here: it signs in at its issuer."""


class SignInTooOld(Exception):
    """What an account without a password asks for needs a session that has just been opened."""


class SignUpRefused(Exception):
    """Nobody makes an account here without an invitation, or nobody at all."""

    _MESSAGES: ClassVar = {
        "signup_closed": "Nobody can sign up here.",
        "invitation_required": "Only who is invited can sign up here.",
    }

    def __init__(self, code: Literal["signup_closed", "invitation_required"]) -> None:
        super().__init__(self._MESSAGES[code])
        self.code = code


class InvitationOver(Exception):
    """The invitation was accepted or revoked, or its time is over."""


class NoMail(Exception):
    """The service sends no mail, so that staff alone make links to reset a password."""


class BadLink(Exception):
    """The link of a mail, or of staff, is none, was used, or its time is over."""


class StaffAccount(Exception):
    """An account of staff is deleted in the admin alone."""
