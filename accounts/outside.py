"""Tokens of an outside issuer: RS256, ES256 or EdDSA, its keys from a JWKS address or one PEM.

An account is made on first sight from `sub`, a session from the token's id; both keys are computed
from what the issuer says, so that two first sights at once make one. HS256 is never read here: a
public key must not serve as a secret.
"""

import hashlib
import logging
import time
import uuid
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.exceptions import BadToken
from accounts.models import RevokedToken, Session, User
from accounts.names import folded, normalized
from tiers.models import Tier

logger = logging.getLogger(__name__)
ALGORITHMS = ["RS256", "ES256", "EdDSA"]
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "tintype:outside-issuer")
# A key that the issuer does not publish is not asked for again for a while.
_ASK_AGAIN = 30.0
_JWKS_TIMEOUT = 3
_unknown_until: dict[str, float] = {}


def is_outside(token: str) -> bool:
    """Tell whether a token says it is of an outside issuer, where one is set."""
    if not settings.JWT_ISSUER:
        return False
    try:
        return jwt.get_unverified_header(token).get("alg") in ALGORITHMS
    except jwt.InvalidTokenError:
        return False


def session_of_outside(token: str) -> Session:
    """Return the live session of a checked token, made on first sight; raises BadToken."""
    claims = _checked(token)
    key = session_key_of(claims, token)
    session: Session | None = Session.objects.with_user().filter(pk=key).first()
    return session or _first_seen(key, claims, token)


def session_key_of(claims: dict[str, Any], token: str) -> UUID:
    """Return the key of the session of a token: by its id, else by the token itself."""
    token_id = claims.get(settings.JWT_ID_CLAIM)
    return session_key(str(token_id) if token_id else hashlib.sha256(token.encode()).hexdigest())


def session_key(token_id: str) -> UUID:
    """Return the key of the session of a token id."""
    return uuid.uuid5(_NAMESPACE, f"{settings.JWT_ISSUER} session {token_id}")


def _checked(token: str) -> dict[str, Any]:
    try:
        return dict(
            jwt.decode(
                token,
                _key_of(token),
                algorithms=ALGORITHMS,
                issuer=settings.JWT_ISSUER,
                audience=settings.JWT_AUDIENCE,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise BadToken("The outside token does not stand.") from error


def _key_of(token: str) -> Any:
    if settings.JWT_PUBLIC_KEY:
        return settings.JWT_PUBLIC_KEY
    key_id = str(jwt.get_unverified_header(token).get("kid", ""))
    if time.monotonic() < _unknown_until.get(key_id, 0):
        raise BadToken("The issuer does not publish this key.")
    try:
        return _keys(settings.JWT_JWKS_URL).get_signing_key(key_id).key
    except jwt.PyJWKClientError as error:
        logger.warning("a key of the outside issuer was not found: %s", type(error).__name__)
        if len(_unknown_until) > 1000:
            _unknown_until.clear()
        _unknown_until[key_id] = time.monotonic() + _ASK_AGAIN
        raise


@cache
def _keys(url: str) -> jwt.PyJWKClient:
    """Known keys are kept, so that they go on working while the issuer is away."""
    return jwt.PyJWKClient(url, cache_keys=True, max_cached_keys=64, timeout=_JWKS_TIMEOUT)


def _first_seen(key: UUID, claims: dict[str, Any], token: str) -> Session:
    names = [token, str(claims.get(settings.JWT_ID_CLAIM) or "")]
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in names if name]
    if RevokedToken.objects.filter(digest__in=digests).exists():
        raise BadToken("The issuer has ended this token.")
    user = _account(claims)
    expires_at = datetime.fromtimestamp(claims["exp"], UTC)
    Session.objects.get_or_create(
        pk=key,
        defaults={"user": user, "scheme": Session.Scheme.OUTSIDE, "expires_at": expires_at},
    )
    session: Session = Session.objects.with_user().get(pk=key)
    return session


def _account(claims: dict[str, Any]) -> User:
    """Return the account of `sub`, made on first sight; a login that is taken gets a suffix."""
    key = uuid.uuid5(_NAMESPACE, f"{settings.JWT_ISSUER} account {claims['sub']}")
    found = User.objects.filter(pk=key).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return _made(key, claims)
    except IntegrityError:  # another request saw the token first
        return User.objects.get(pk=key)


def _made(key: UUID, claims: dict[str, Any]) -> User:
    login = _login(str(claims.get(settings.JWT_LOGIN_CLAIM) or claims["sub"]))
    if User.objects.filter(username_key=folded(login)).exists():
        login = f"{login[:50]}-{key.hex[:12]}"
    name = "".join(filter(str.isprintable, str(claims.get(settings.JWT_NAME_CLAIM) or "")))[:150]
    tier = Tier.objects.get(name=settings.SIGNUP_TIER)
    return User.objects.create_user(login, None, id=key, name=name, tier=tier)


def _login(text: str) -> str:
    """Keep what a login may be made of; normalized first, since that can make it longer."""
    kept = "".join(c if c.isalnum() or c in "._-" else "-" for c in normalized(text))[:64]
    return kept if len(kept) >= 3 else f"user-{kept}"
