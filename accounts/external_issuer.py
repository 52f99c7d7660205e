"""Tokens of an outside issuer: RS256, ES256 or EdDSA, its keys from a JWKS address or one PEM.

An account is made on first sight from `sub`, a session from the token's id; both keys are computed
from what the issuer says, so that two first sights at once make one. HS256 is never read here: a
public key must not serve as a secret.
"""

import uuid
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.denylist import is_remembered
from accounts.exceptions import BadToken
from accounts.issuer_keys import signing_key
from accounts.models import Session, User
from accounts.names import folded, normalized
from tiers.models import Tier

ALGORITHMS = ["RS256", "ES256", "EdDSA"]
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "tintype:outside-issuer")


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
    name = name_of(claims, token)
    session: Session | None = Session.objects.with_user().filter(pk=session_key(name)).first()
    return session or _first_seen(name, claims)


def name_of(claims: dict[str, Any], token: str) -> str:
    """Return what a token is known by: its id, else what its signature covers.

    Not the whole token: a signature can be written with its padding or without it, and each would
    be another name.
    """
    return str(claims.get(settings.JWT_ID_CLAIM) or token.rpartition(".")[0])


def session_key(name: str) -> UUID:
    """Return the key of the session of a token's name."""
    return uuid.uuid5(_NAMESPACE, f"{settings.JWT_ISSUER} session {name}")


def _checked(token: str) -> dict[str, Any]:
    try:
        claims = jwt.decode(
            token,
            _key_of(token),
            algorithms=ALGORITHMS,
            issuer=settings.JWT_ISSUER,
            audience=settings.JWT_AUDIENCE,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        _refuse_unstorable(claims)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError) as error:
        raise BadToken("The outside token does not stand.") from error
    return dict(claims)


def _refuse_unstorable(claims: dict[str, Any]) -> None:
    """Raise what says that an end is no date, or that a name is no text in UTF-8."""
    _end(claims)
    for claim in ("sub", settings.JWT_ID_CLAIM):
        str(claims.get(claim)).encode()


def _end(claims: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(claims["exp"]), UTC)


def _key_of(token: str) -> Any:
    if settings.JWT_PUBLIC_KEY:
        return settings.JWT_PUBLIC_KEY
    return signing_key(str(jwt.get_unverified_header(token).get("kid", "")))


def _first_seen(name: str, claims: dict[str, Any]) -> Session:
    """Make the session of a token; its end may be heard meanwhile (see `accounts.revocation`)."""
    _refuse_remembered(name)
    defaults = {
        "user": _account(claims), "scheme": Session.Scheme.OUTSIDE, "expires_at": _end(claims)
    }  # fmt: skip
    made, _ = Session.objects.get_or_create(pk=session_key(name), defaults=defaults)
    try:
        _refuse_remembered(name)
    except BadToken:
        Session.objects.filter(pk=made.pk).end(from_peer=True)
        raise
    session: Session = Session.objects.with_user().get(pk=made.pk)
    return session


def _refuse_remembered(name: str) -> None:
    if is_remembered(name):
        raise BadToken("The issuer has ended this token.")


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
