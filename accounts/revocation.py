"""The end of tokens that a peer announces: ours or the external issuer's, seen here or not yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.denylist import deny_tokens
from accounts.external_issuer import (
    external_session_id,
    identity_digest,
    subject_identity,
    token_identity,
)
from accounts.models import Session, SessionQuerySet


@dataclass(frozen=True, slots=True)
class _Revocation:
    """What a token names: sessions by key or digest, and an identity for the denylist."""

    keys: frozenset[UUID]
    digest: str | None
    identity: str
    until: datetime


def revoke_tokens(tokens: Iterable[str]) -> None:
    """End the sessions of JWTs and of token ids; put those not known here on the denylist.

    Signatures are not verified: whoever may publish on the exchange may end sessions, and a token
    with a wrong signature names nothing that it could open. However many tokens there are, it takes
    the same few queries and commits.

    A request may see a token for the first time at the same moment. It reads the denylist, creates
    its session, and reads the denylist again. This function commits the denylist's entries before
    it looks for sessions a second time, so one of the two always sees what the other did. Hence no
    transaction around it all.
    """
    revocations = [_read(token) for token in dict.fromkeys(tokens)]
    known = list(_sessions(revocations).values_list("pk", "external_id_digest"))
    by_key = {key for key, _ in known}
    by_digest = {digest for _, digest in known if digest}
    deny_tokens(
        {
            each.identity: each.until
            for each in revocations
            if by_key.isdisjoint(each.keys) and each.digest not in by_digest
        }
    )
    _sessions(revocations).end(from_peer=True)


def _sessions(revocations: Sequence[_Revocation]) -> SessionQuerySet:
    keys = {key for each in revocations for key in each.keys}
    digests = {each.digest for each in revocations if each.digest}
    return Session.objects.filter(Q(pk__in=keys) | Q(external_id_digest__in=digests))


def _read(token: str) -> _Revocation:
    """Return what a JWT or a token id names."""
    return _read_jwt(token) if token.count(".") == 2 else _read_id(token)


def _read_jwt(token: str) -> _Revocation:
    claims = _read_claims(token)
    identity, subject = token_identity(claims, token), str(claims.get("sub") or "")
    external = external_session_id(subject, identity)
    keys = _own_keys(str(claims.get("token_id", ""))) | {external}
    return _Revocation(keys, None, subject_identity(subject, identity), _expiry(claims))


def _read_id(token_id: str) -> _Revocation:
    # The id of an external token counts whoever its subject is.
    return _Revocation(_own_keys(token_id), identity_digest(token_id), token_id, _expiry({}))


def _read_claims(token: str) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except (jwt.InvalidTokenError, RecursionError):
        return {}


def _own_keys(token_id: str) -> frozenset[UUID]:
    """Return the key of the session whose own id this may be."""
    try:
        return frozenset({UUID(token_id)})
    except ValueError:
        return frozenset()


def _expiry(claims: dict[str, Any]) -> datetime:
    """Return when a token expires, at most as late as a bearer token issued here now would."""
    latest = timezone.now() + settings.BEARER_LIFETIME
    try:
        return min(datetime.fromtimestamp(float(claims["exp"]), UTC), latest)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return latest
