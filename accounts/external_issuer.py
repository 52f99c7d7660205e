"""Tokens of an external issuer: RS256, ES256 or EdDSA, with keys from a JWKS URL or one PEM.

The account is created when the first token with its `sub` is seen, the session when the token
itself is first seen. Both primary keys are computed from the claims, so that two requests that
see a token first at the same time create one row. HS256 is never accepted here: a public key must
not serve as a shared secret.
"""

import uuid
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.denylist import is_denied
from accounts.exceptions import BadToken
from accounts.issuer_keys import signing_key
from accounts.models import Session, User
from accounts.names import login_key, normalize_login
from tiers.models import Tier

ALGORITHMS = ["RS256", "ES256", "EdDSA"]
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "tintype:outside-issuer")


def is_external_token(token: str) -> bool:
    """Tell whether a token claims to be of the external issuer, where one is set."""
    if not settings.JWT_ISSUER:
        return False
    try:
        return jwt.get_unverified_header(token).get("alg") in ALGORITHMS
    except jwt.InvalidTokenError:
        return False


def authenticate_external_token(token: str) -> Session:
    """Return the session of a valid token, created when it is first seen; raise BadToken."""
    claims = _verify(token)
    identity = token_identity(claims, token)
    key = external_session_id(identity)
    session: Session | None = Session.objects.with_user().filter(pk=key).first()
    return session or _open_session(identity, claims)


def token_identity(claims: dict[str, Any], token: str) -> str:
    """Return what identifies a token: its id, else the part that its signature covers.

    Not the whole token: the signature can be written with or without its padding, and each
    spelling would be another identity.
    """
    return str(claims.get(settings.JWT_ID_CLAIM) or token.rpartition(".")[0])


def external_session_id(identity: str) -> UUID:
    """Return the primary key of the session of a token's identity."""
    return uuid.uuid5(_NAMESPACE, f"{settings.JWT_ISSUER} session {identity}")


def _verify(token: str) -> dict[str, Any]:
    try:
        claims = jwt.decode(
            token,
            _verification_key(token),
            algorithms=ALGORITHMS,
            issuer=settings.JWT_ISSUER,
            audience=settings.JWT_AUDIENCE,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        _require_storable(claims)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError) as error:
        raise BadToken("The external issuer's token is invalid.") from error
    return dict(claims)


def _require_storable(claims: dict[str, Any]) -> None:
    """Raise ValueError, OverflowError or OSError for a claim that no row could hold."""
    _expiry(claims)
    for claim in ("sub", settings.JWT_ID_CLAIM):
        str(claims.get(claim)).encode()


def _expiry(claims: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(claims["exp"]), UTC)


def _verification_key(token: str) -> Any:
    if settings.JWT_PUBLIC_KEY:
        return settings.JWT_PUBLIC_KEY
    return signing_key(str(jwt.get_unverified_header(token).get("kid", "")))


def _open_session(identity: str, claims: dict[str, Any]) -> Session:
    """Create the session of a token; raise BadToken when the token is denied.

    A peer may announce the end of the token at the same time, so the denylist is read before and
    after the session is created (see `accounts.revocation`).
    """
    _refuse_denied(identity)
    session, _ = Session.objects.get_or_create(
        pk=external_session_id(identity),
        defaults={
            "user": _get_or_create_account(claims),
            "scheme": Session.Scheme.EXTERNAL,
            "expires_at": _expiry(claims),
        },
    )
    sessions = Session.objects.filter(pk=session.pk)
    try:
        _refuse_denied(identity)
    except BadToken:
        sessions.end(from_peer=True)
        raise
    return sessions.with_user().get()


def _refuse_denied(identity: str) -> None:
    if is_denied(identity):
        raise BadToken("The issuer has ended this token.")


def _get_or_create_account(claims: dict[str, Any]) -> User:
    """Return the account of `sub`; the login of a new one gets a suffix where it is taken."""
    key = uuid.uuid5(_NAMESPACE, f"{settings.JWT_ISSUER} account {claims['sub']}")
    found = User.objects.filter(pk=key).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return _create_account(key, claims)
    except IntegrityError:  # another request saw a token of this account first
        return User.objects.get(pk=key)


def _create_account(key: UUID, claims: dict[str, Any]) -> User:
    login = _allowed_login(str(claims.get(settings.JWT_LOGIN_CLAIM) or claims["sub"]))
    if User.objects.filter(username_key=login_key(login)).exists():
        login = f"{login[:50]}-{key.hex[:12]}"
    name = "".join(filter(str.isprintable, str(claims.get(settings.JWT_NAME_CLAIM) or "")))[:150]
    tier = Tier.objects.get(name=settings.SIGNUP_TIER)
    return User.objects.create_user(login, None, id=key, name=name, tier=tier)


def _allowed_login(text: str) -> str:
    """Turn any text into a valid login; normalized first, since that can make it longer."""
    login = "".join(c if c.isalnum() or c in "._-" else "-" for c in normalize_login(text))[:64]
    return login if len(login) >= 3 else f"user-{login}"
