"""JSON Web Tokens of our own: issued and verified; the only user of simplejwt.

HS256 (RFC 7518) with a key derived from SECRET_KEY; tokens signed with one of SECRET_KEY_FALLBACKS
are still accepted. A valid token is not yet a sign-in: `accounts.token_authentication` looks up its
session.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Literal, TypedDict

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken

from accounts.exceptions import BadToken
from accounts.models import Session

ALGORITHM = "HS256"
TokenKind = Literal["bearer", "access", "refresh"]
_SALT = "accounts.tokens"


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a verified token."""

    token_id: uuid.UUID
    user_id: uuid.UUID
    kind: str
    jti: str
    expires_at: datetime


class IssuedJwt(TypedDict):
    """What is kept of a JWT so that it can be signed again, byte for byte; `key` names its key."""

    iat: int
    exp: int
    jti: str
    key: str


class UnknownKey(LookupError):
    """A key that is neither SECRET_KEY nor one of SECRET_KEY_FALLBACKS."""


class ExpiredToken(BadToken):
    """A token of our own that was valid until it expired."""


def issue_jwt(session: Session, kind: TokenKind, lifetime: timedelta, *, jti: str = "") -> str:
    """Sign a token for a session; a random `jti` is made unless given."""
    return sign_jwt(session, kind, start_jwt(lifetime, jti=jti))


def start_jwt(lifetime: timedelta, *, jti: str = "") -> IssuedJwt:
    """Return the claims of a token that is issued now, with the key in force."""
    now = timezone.now()
    return {
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": jti or uuid.uuid4().hex,
        "key": name_key(settings.SECRET_KEY),
    }


def sign_jwt(session: Session, kind: TokenKind, issued: IssuedJwt) -> str:
    """Return the token of these claims, the same bytes each time; raise UnknownKey.

    Peers know a token by its bytes: neither the order of the claims nor that of the header may
    change.
    """
    payload = {
        "token_id": str(session.pk),
        "user_id": str(session.user_id),
        "typ": kind,
        "iat": issued["iat"],
        "exp": issued["exp"],
        "jti": issued["jti"],
    }
    return _backend(_find_secret(issued["key"])).encode(payload)


@cache
def name_key(secret: str) -> str:
    """Return a name for a key, which tells nothing of it and stays when its setting changes."""
    return salted_hmac(_SALT, "name", secret=secret, algorithm="sha256").hexdigest()[:16]


def _find_secret(name: str) -> str:
    for secret in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        if name_key(secret) == name:
            return secret
    raise UnknownKey(name)


def verify_jwt(token: str, *kinds: TokenKind) -> Claims:
    """Verify signature, expiry and kind; raise ExpiredToken or BadToken."""
    claims = _read_claims(token, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))
    if claims.kind not in kinds:
        raise BadToken("The token is of another kind.")
    if claims.expires_at <= timezone.now():
        raise ExpiredToken("The token has expired.")
    return claims


# Of some 500 bytes each: a client sends the same token again and again, and its signature, which
# takes as long to verify as a query, stays good. Its end does not, nor does its session.
@lru_cache(maxsize=1024)
def _read_claims(token: str, secrets: tuple[str, ...]) -> Claims:
    payload = _decode(token, secrets)
    try:
        return Claims(
            token_id=uuid.UUID(payload["token_id"]),
            user_id=uuid.UUID(payload["user_id"]),
            kind=payload["typ"],
            jti=str(payload["jti"]),
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
        )
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        raise BadToken("The token lacks a claim, or a claim is malformed.") from None


def _decode(token: str, secrets: tuple[str, ...]) -> dict[str, Any]:
    """Decode with the key in force, else with the keys that it replaced."""
    for secret in secrets:
        try:
            return dict(_backend(secret).decode(token))  # type: ignore[arg-type]  # it is a str
        except TokenBackendExpiredToken:
            raise ExpiredToken("The token has expired.") from None
        except TokenBackendError:
            continue
    raise BadToken("The token was not signed here.")


@cache
def _backend(secret: str) -> TokenBackend:
    key = salted_hmac(_SALT, "jwt", secret=secret, algorithm="sha256").hexdigest()
    return TokenBackend(ALGORITHM, signing_key=key)
