"""Tokens that other services declare ended: our own, an outside issuer's, seen here or not yet."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import outside
from accounts.models import RevokedToken, Session
from accounts.sessions import end_sessions


@transaction.atomic
def revoke_token(token: str) -> None:
    """End the session of a JWT, and remember one that is not known here until it would expire.

    Its signature is not asked for: whoever may publish on the exchange may end sessions, and a
    token with a wrong signature names nothing that it could open.
    """
    claims = _claims(token)
    known = _session_keys(claims, token)
    ended = end_sessions(Session.objects.filter(pk__in=known), heard=True)
    if not ended and not Session.objects.filter(pk__in=known).exists():
        _remember(token, _end(claims))


@transaction.atomic
def revoke_by_id(token_id: str) -> None:
    """End the session of a token id, and remember one that is not known here."""
    known = {outside.session_key(token_id)}
    own = _uuid(token_id)
    if own:
        known.add(own)
    if not Session.objects.filter(pk__in=known).exists():
        _remember(token_id, _end({}))
    end_sessions(Session.objects.filter(pk__in=known), heard=True)


def is_revoked(*names: str) -> bool:
    """Tell whether a token was declared ended under one of its names (itself, its id)."""
    digests = [_digest(name) for name in names if name]
    return RevokedToken.objects.filter(digest__in=digests).exists()


def forget_expired() -> int:
    """Delete what would have expired by now; returns how many."""
    return RevokedToken.objects.filter(expires_at__lt=timezone.now()).delete()[0]


def _claims(token: str) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except jwt.InvalidTokenError:
        return {}


def _session_keys(claims: dict[str, Any], token: str) -> set[UUID]:
    own = _uuid(str(claims.get("token_id", "")))
    return {key for key in (own, outside.session_key_of(claims, token)) if key}


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


def _remember(name: str, until: datetime) -> None:
    RevokedToken.objects.get_or_create(digest=_digest(name), defaults={"expires_at": until})


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
