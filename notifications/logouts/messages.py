"""Logouts that other services tell: what a message means, and what it ends here."""

import json
import logging

from accounts.revocation import revoke_by_id, revoke_token

logger = logging.getLogger(__name__)
LONGEST_MESSAGE = 16 * 1024


def hear(body: bytes) -> None:
    """End what a message names: `bearer <jwt>` in any case, a bare JWT, or a bare token id.

    Other types are passed over; malformed messages are logged, without their content, and dropped.
    Raises only what the database raises: then the message must be kept.
    """
    try:
        named = _named(body)
    except ValueError as error:
        logger.warning("dropped a message of the exchange: %s", error)
        return
    if named is None:
        return
    word, _, rest = named.partition(" ")
    token = rest.strip() if word.lower() == "bearer" else named
    if token.count(".") == 2:
        revoke_token(token)
    else:
        revoke_by_id(token)


def _named(body: bytes) -> str | None:
    """Return what a logout names, None for another type; raises ValueError saying what is wrong."""
    if len(body) > LONGEST_MESSAGE:
        raise ValueError("too long")
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None
    if not isinstance(message, dict):
        raise ValueError("no object")
    if message.get("type") != "logout":
        return None
    named = message.get("message")
    if not isinstance(named, str) or not named.strip() or "\0" in named:
        raise ValueError("names no token")
    return named.strip()
