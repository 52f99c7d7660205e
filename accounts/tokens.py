"""JSON Web Tokens: written, read and checked; the only user of simplejwt.

HS256 (RFC 7518) with a key derived from SECRET_KEY; tokens of a SECRET_KEY_FALLBACKS key are still
read. A token that reads well is not yet a sign-in: `accounts.verification` asks for its session.
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
Kind = Literal["bearer", "access", "refresh"]
_SALT = "accounts.tokens"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token of ours says."""

    token_id: uuid.UUID
    user_id: uuid.UUID
    kind: str
    jti: str
    expires_at: datetime


class ExpiredToken(BadToken):
    """A token of ours whose time is over."""


def issue(session: Session, kind: Kind, lifetime: timedelta, *, jti: str = "") -> str:
    """Write a token for a session; `jti` is made unless given."""
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


def read(token: str, *kinds: Kind) -> Claims:
    """Check signature, time and kind; raises ExpiredToken or BadToken."""
    payload = _decoded(token)
    try:
        claims = Claims(
            token_id=uuid.UUID(payload["token_id"]),
            user_id=uuid.UUID(payload["user_id"]),
            kind=payload["typ"],
            jti=str(payload["jti"]),
            expires_at=datetime.fromtimestamp(payload["exp"], UTC),
        )
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError):
        raise BadToken("The token lacks what ours carry.") from None
    if claims.kind not in kinds:
        raise BadToken("The token is of another kind.")
    return claims


def _decoded(token: str) -> dict[str, Any]:
    """Try the key in force, then those it replaced."""
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
