"""Logout messages: what this service announces, and which sessions those of peers end."""

import json
import logging
from collections.abc import Iterable

from accounts.models import Session
from accounts.revocation import revoke_tokens
from accounts.sessions import remake_jwts

logger = logging.getLogger(__name__)
MAX_MESSAGE_SIZE = 16 * 1024


def render_logouts(session: Session, authorization: str) -> list[str]:
    """Return the messages that announce the end of a session, which must have ended.

    Peers cache who is signed in by the whole Authorization header. The header that signed out is
    announced as the client sent it, and each JWT of the session in the two spellings of the scheme
    that clients use, since a peer may know it from another client. A session of which no JWT is
    known is announced by its id.
    """
    *scheme, token = authorization.split() or [""]
    jwts = [token, *remake_jwts(session)]
    names = [f"{word} {jwt}" for jwt in jwts if jwt for word in ("bearer", "Bearer")]
    # A bare token comes last: peers that expect a scheme know nothing by it.
    names = [authorization, *names] if scheme else [*names, authorization]
    names = list(dict.fromkeys(filter(None, names))) or [str(session.pk)]
    return [json.dumps({"type": "logout", "message": name}) for name in names]


def handle_messages(bodies: Iterable[bytes]) -> None:
    """End the sessions that logouts name: by `bearer <jwt>` in any case, a JWT, or a token id.

    A message without a type is a logout, as the newest peers send it; those of another type are
    ignored. Malformed messages are logged without their content and dropped. Raise only what the
    database raises; all of the messages must then be kept.
    """
    tokens = [token for token in map(_read_token, bodies) if token]
    if tokens:
        revoke_tokens(tokens)


def _read_token(body: bytes) -> str | None:
    """Return the token or token id that a message ends, None where there is nothing to do."""
    try:
        named = _parse_logout(body)
    except ValueError as error:
        logger.warning("dropped a malformed message of the exchange: %s", error)
        return None
    if named is None:
        return None
    scheme, *rest = named.split(maxsplit=1)
    return rest[0] if rest and scheme.lower() == "bearer" else named


def _parse_logout(body: bytes) -> str | None:
    """Return what a logout names, or None for another type; raise ValueError with the reason."""
    if len(body) > MAX_MESSAGE_SIZE:
        raise ValueError("too long")
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None
    if not isinstance(message, dict):
        raise ValueError("no object")
    if message.get("type") not in (None, "logout"):
        return None
    named = message.get("message")
    if not isinstance(named, str) or not named.strip() or "\0" in named:
        raise ValueError("names no token")
    try:
        # JSON can escape half of a surrogate pair, which neither tokens nor databases can hold.
        named.encode()
    except UnicodeEncodeError:
        raise ValueError("names no token") from None
    return named.strip()
