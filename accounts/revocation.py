"""Tokens that other services declare ended: our own, an outside issuer's, seen here or not yet."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.utils import timezone

from accounts import external_issuer
from accounts.denylist import remember
from accounts.models import RevokedToken, Session


def revoke_token(token: str) -> None:
    """End the session of a JWT, and remember one that is not known here until it would expire.

    Its signature is not asked for: whoever may publish on the exchange may end sessions, and a
    token with a wrong signature names nothing that it could open.
    """
    claims = _claims(token)
    name = external_issuer.name_of(claims, token)
    _end_or_remember(name, str(claims.get("token_id", "")), _end(claims))


def revoke_by_id(token_id: str) -> None:
    """End the session of a token id, and remember one that is not known here."""
    _end_or_remember(token_id, token_id, _end({}))


def _end_or_remember(name: str, own: str, until: datetime) -> None:
    """End the session of an outside name, and that of an id of ours.

    A first sight of the token may run beside this. It asks what is remembered, makes its session,
    and asks again; here a name is remembered, for good, before sessions are looked for again: so
    that one of the two sees what the other did. Hence no transaction around it all.
    """
    keys = {key for key in (external_issuer.session_key(name), _uuid(own)) if key}
    sessions = Session.objects.filter(pk__in=keys)
    if not sessions.exists():
        remember(name, until)
    sessions.end(from_peer=True)


def forget_expired() -> int:
    """Delete what would have expired by now; returns how many."""
    return RevokedToken.objects.filter(expires_at__lt=timezone.now()).delete()[0]


def _claims(token: str) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except jwt.InvalidTokenError:
        return {}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _end(claims: dict[str, Any]) -> datetime:
    """Return when a token ends by itself; one that does not say is kept as long as ours."""
    longest = timezone.now() + settings.BEARER_LIFETIME
    try:
        return min(datetime.fromtimestamp(float(claims["exp"]), UTC), longest)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return longest
