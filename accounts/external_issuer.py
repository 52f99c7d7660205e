"""Tokens of an external issuer: RS256, ES256 or EdDSA, with keys from a JWKS URL or one PEM.

The account is created when the first token with its `sub` is seen, the session when the token
itself is first seen. Both primary keys are computed from the claims, so that two requests that
see a token first at the same time create one row. HS256 is never accepted here: a public key must
not serve as a shared secret.
"""

import hashlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.denylist import is_denied
from accounts.exceptions import BadToken
from accounts.issuer_keys import signing_key
from accounts.models import Session, User
from accounts.names import login_key, normalize_login
from accounts.signals import session_opened
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
    key = external_session_id(claims["sub"], identity)
    session: Session | None = Session.objects.with_user().filter(pk=key).first()
    return session or _open_session(identity, claims)


def token_identity(claims: dict[str, Any], token: str) -> str:
    """Return what identifies a token: its id, else the part that its signature covers.

    Not the whole token: the signature can be written with or without its padding, and each
    spelling would be another identity.
    """
    return str(claims.get(settings.JWT_ID_CLAIM) or token.rpartition(".")[0])


def external_session_id(subject: str, identity: str) -> UUID:
    """Return the primary key of the session of a subject's token.

    An id names a session only together with its subject: who gets a token with another's id from
    the issuer gets a session of their own.
    """
    named = json.dumps([settings.JWT_ISSUER, "session", subject, identity])
    return uuid.uuid5(_NAMESPACE, named)


def identity_digest(identity: str) -> str:
    """Return what the sessions of an identity's tokens have in common, whoever their subjects."""
    named = f"{settings.JWT_ISSUER} {identity}"
    return hashlib.sha256(named.encode(errors="surrogatepass")).hexdigest()


def subject_identity(subject: str, identity: str) -> str:
    """Return what the denylist calls a token whose subject is known."""
    return json.dumps([subject, identity])


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
    """Raise ValueError, OverflowError or OSError for claims that no row could hold.

    Raise ValueError for an empty subject too, which would name an account that many share.
    """
    if not claims["sub"].strip():
        raise ValueError("The subject is empty.")
    if _expiry(claims) <= timezone.now():
        raise ValueError("The token is older than a session may be.")
    for claim in ("sub", settings.JWT_ID_CLAIM):
        str(claims.get(claim)).encode()


def _expiry(claims: dict[str, Any]) -> datetime:
    """Return when the session of a token ends: with it, or as early as one of ours would."""
    latest = _issued_at(claims) + settings.BEARER_LIFETIME
    return min(datetime.fromtimestamp(int(claims["exp"]), UTC), latest)


def _issued_at(claims: dict[str, Any]) -> datetime:
    """Return when a token was issued; now where it does not say, or says that it will be."""
    now, issued = timezone.now(), claims.get("iat")
    return now if issued is None else min(now, datetime.fromtimestamp(int(issued), UTC))


def _verification_key(token: str) -> Any:
    if settings.JWT_PUBLIC_KEY:
        return settings.JWT_PUBLIC_KEY
    return signing_key(str(jwt.get_unverified_header(token).get("kid", "")))


def _open_session(identity: str, claims: dict[str, Any]) -> Session:
    """Create the session of a token; raise BadToken when the token is denied.

    A peer may announce the end of the token at the same time, so the denylist is read before and
    after the session is created (see `accounts.revocation`).
    """
    subject = claims["sub"]
    _refuse_denied(subject, identity)
    user = _get_or_create_account(claims)
    _refuse_ended_by_former_release(user, identity)
    session = _get_or_create_session(external_session_id(subject, identity), user, identity, claims)
    sessions = Session.objects.filter(pk=session.pk)
    try:
        _refuse_denied(subject, identity)
    except BadToken:
        sessions.end(from_peer=True)
        raise
    return sessions.with_user().get()


@transaction.atomic
def _get_or_create_session(key: UUID, user: User, identity: str, claims: dict[str, Any]) -> Session:
    session, is_new = Session.objects.get_or_create(
        pk=key,
        defaults={
            "user": user,
            "scheme": Session.Scheme.EXTERNAL,
            # When its person signed in: see `accounts.own_account.prove_identity`.
            "created_at": _issued_at(claims),
            "expires_at": _expiry(claims),
            "external_id_digest": identity_digest(identity),
        },
    )
    if is_new:
        User.objects.filter(pk=user.pk).update(last_login=timezone.now())
        # What verifies a token knows no request; the receiver finds out.
        session_opened.send(sender=Session, session=session, is_new_device=None)
    return session


def _refuse_denied(subject: str, identity: str) -> None:
    if is_denied(identity, subject_identity(subject, identity)):
        raise BadToken("The issuer has ended this token.")


def _refuse_ended_by_former_release(user: User, identity: str) -> None:
    """Refuse a token whose session ended under the key that did not name the subject."""
    key = uuid.uuid5(_NAMESPACE, f"{settings.JWT_ISSUER} session {identity}")
    if Session.objects.filter(pk=key, user=user).exclude(ended_at=None).exists():
        raise BadToken("The session has ended.")


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
