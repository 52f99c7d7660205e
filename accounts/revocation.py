"""The end of tokens that a peer announces: ours or the external issuer's, seen here or not yet."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.utils import timezone

from accounts.denylist import deny_token
from accounts.external_issuer import (
    external_session_id,
    external_sessions,
    subject_identity,
    token_identity,
)
from accounts.models import Session, SessionQuerySet


def revoke_token(token: str) -> None:
    """End the session of a JWT; put a token that is not known here on the denylist.

    The signature is not verified: whoever may publish on the exchange may end sessions, and a
    token with a wrong signature names nothing that it could open.
    """
    claims = _read_claims(token)
    identity, subject = token_identity(claims, token), str(claims.get("sub") or "")
    external = Session.objects.filter(pk=external_session_id(subject, identity))
    own = _own_sessions(str(claims.get("token_id", "")))
    _end_or_deny(own | external, subject_identity(subject, identity), _expiry(claims))


def revoke_by_id(token_id: str) -> None:
    """End the session of a token id; put an id that is not known here on the denylist."""
    sessions = _own_sessions(token_id) | external_sessions(token_id)
    _end_or_deny(sessions, token_id, _expiry({}))


def _end_or_deny(sessions: SessionQuerySet, identity: str, until: datetime) -> None:
    """End the sessions that a peer named; deny the identity where there are none.

    A request may see the token for the first time at the same moment. It reads the denylist,
    creates its session, and reads the denylist again. This function commits the denylist entry
    before it looks for sessions a second time, so one of the two always sees what the other did.
    Hence no transaction around it all.
    """
    if not sessions.exists():
        deny_token(identity, until)
    sessions.end(from_peer=True)


def _read_claims(token: str) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except jwt.InvalidTokenError:
        return {}


def _own_sessions(token_id: str) -> SessionQuerySet:
    """Return the session whose own id this is, if it is any."""
    try:
        return Session.objects.filter(pk=UUID(token_id))
    except ValueError:
        return Session.objects.none()


def _expiry(claims: dict[str, Any]) -> datetime:
    """Return when a token expires, at most as late as a bearer token issued here now would."""
    latest = timezone.now() + settings.BEARER_LIFETIME
    try:
        return min(datetime.fromtimestamp(float(claims["exp"]), UTC), latest)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return latest
