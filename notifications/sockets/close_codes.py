"""Why a socket is closed; browsers show the code to their page (`docs/events.md` lists them)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Closing:
    """A close code of the private range (RFC 6455, 7.4.2), or a registered one, with its reason."""

    code: int
    reason: str


BAD_QUERY = Closing(4400, "the query cannot be read")
SIGNED_OUT = Closing(4401, "no token, or its session has ended")
NOT_ALLOWED = Closing(4403, "only staff may watch another account")
UNKNOWN_ACCOUNT = Closing(4404, "no such account")
FELL_BEHIND = Closing(4408, "reading too slowly: come back with since")
TOO_MANY_SOCKETS = Closing(4429, "too many sockets of this account")
TRY_LATER = Closing(1013, "try again in a few seconds")


class Refused(Exception):
    """A socket that must not be opened."""

    def __init__(self, closing: Closing) -> None:
        """Remember how to close it."""
        super().__init__(closing.reason)
        self.closing = closing
