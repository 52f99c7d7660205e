"""JSON Web Tokens of our own: issued and verified; the only user of simplejwt.

HS256 (RFC 7518) with a key derived from SECRET_KEY; tokens signed with one of SECRET_KEY_FALLBACKS
are still accepted. A valid token is not yet a sign-in: `accounts.token_authentication` looks up its
session.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal

from django.conf import settings
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


class ExpiredToken(BadToken):
    """A token of our own that was valid until it expired."""


def issue_jwt(session: Session, kind: TokenKind, lifetime: timedelta, *, jti: str = "") -> str:
    """Sign a token for a session; a random `jti` is made unless given."""
    now = datetime.now(UTC)
    payload = {
        "token_id": str(session.pk),
        "user_id": str(session.user_id),
        "typ": kind,
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": jti or uuid.uuid4().hex,
    }
    return _backend(settings.SECRET_KEY).encode(payload)


def verify_jwt(token: str, *kinds: TokenKind) -> Claims:
    """Verify signature, expiry and kind; raise ExpiredToken or BadToken."""
    payload = _decode(token)
    try:
        claims = Claims(
            token_id=uuid.UUID(payload["token_id"]),
            user_id=uuid.UUID(payload["user_id"]),
            kind=payload["typ"],
            jti=str(payload["jti"]),
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
        )
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        raise BadToken("The token lacks a claim, or a claim is malformed.") from None
    if claims.kind not in kinds:
        raise BadToken("The token is of another kind.")
    return claims


def _decode(token: str) -> dict[str, Any]:
    """Decode with the key in force, else with the keys that it replaced."""
    for key in [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]:
        try:
            return dict(_backend(key).decode(token))  # type: ignore[arg-type]  # it is a str
        except TokenBackendExpiredToken:
            raise ExpiredToken("The token has expired.") from None
        except TokenBackendError:
            continue
    raise BadToken("The token was not signed here.")


@cache
def _backend(secret: str) -> TokenBackend:
    key = salted_hmac(_SALT, "jwt", secret=secret, algorithm="sha256").hexdigest()
    return TokenBackend(ALGORITHM, signing_key=key)
