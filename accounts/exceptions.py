"""What can go wrong with an account, in the domain's words."""


class BadCredentials(Exception):
    """The login is unknown, the password is wrong, or the account is disabled: never said which."""


class BadToken(Exception):
    """A token that does not stand: forged, expired, or of a session that ended."""


class TooManyAttempts(Exception):
    """A throttle said no before any password was hashed."""

    def __init__(self, retry_after: int) -> None:
        """Remember after how many seconds another attempt may pass."""
        super().__init__(f"Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class CrossSiteRequest(Exception):
    """A page of another site tried to act with this browser's cookies."""
