"""The end of tokens that a peer announces: ours or the external issuer's, seen here or not yet."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.utils import timezone

from accounts.denylist import deny_token
from accounts.external_issuer import external_session_id, token_identity
from accounts.models import Session


def revoke_token(token: str) -> None:
    """End the session of a JWT; put a token that is not known here on the denylist.

    The signature is not verified: whoever may publish on the exchange may end sessions, and a
    token with a wrong signature names nothing that it could open.
    """
    claims = _read_claims(token)
    identity = token_identity(claims, token)
    _end_or_deny(identity, str(claims.get("token_id", "")), _expiry(claims))


def revoke_by_id(token_id: str) -> None:
    """End the session of a token id; put an id that is not known here on the denylist."""
    _end_or_deny(token_id, token_id, _expiry({}))


def _end_or_deny(identity: str, own_id: str, until: datetime) -> None:
    """End the session of an external token's identity, and the session whose own id this is.

    A request may see the token for the first time at the same moment. It reads the denylist,
    creates its session, and reads the denylist again. This function commits the denylist entry
    before it looks for sessions a second time, so one of the two always sees what the other did.
    Hence no transaction around it all.
    """
    keys = {key for key in (external_session_id(identity), _parse_uuid(own_id)) if key}
    sessions = Session.objects.filter(pk__in=keys)
    if not sessions.exists():
        deny_token(identity, until)
    sessions.end(from_peer=True)


def _read_claims(token: str) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except jwt.InvalidTokenError:
        return {}


def _parse_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _expiry(claims: dict[str, Any]) -> datetime:
    """Return when a token expires, at most as late as a bearer token issued here now would."""
    latest = timezone.now() + settings.BEARER_LIFETIME
    try:
        return min(datetime.fromtimestamp(float(claims["exp"]), UTC), latest)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return latest
