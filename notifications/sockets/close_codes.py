"""Why a socket is closed; browsers show the code to their page (`docs/events.md` lists them)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CloseReason:
    """A close code of the private range (RFC 6455, 7.4.2), or a registered one, with its reason."""

    code: int
    text: str


BAD_QUERY = CloseReason(4400, "the query cannot be read")
SIGNED_OUT = CloseReason(4401, "no token, or its session has ended")
NOT_ALLOWED = CloseReason(4403, "only staff may watch another account")
MISSING_SCOPE = CloseReason(4403, "the token lacks the scope read")
UNKNOWN_ACCOUNT = CloseReason(4404, "no such account")
TOO_SLOW = CloseReason(4408, "reading too slowly: come back with since")
TOO_MANY_SOCKETS = CloseReason(4429, "too many sockets of this account")
TRY_LATER = CloseReason(1013, "try again in a few seconds")


class SocketRefused(Exception):
    """The handshake is refused; `close_reason` says how to close the socket."""

    def __init__(self, close_reason: CloseReason) -> None:
        super().__init__(close_reason.text)
        self.close_reason = close_reason
