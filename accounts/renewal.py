"""JWT cookies, renewed in use: each renewal replaces the refresh token (RFC 9700, 4.14.2)."""

import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.cookies import CookiePair
from accounts.exceptions import BadToken
from accounts.models import Session
from accounts.sessions import issue_cookies, with_access_jwt
from accounts.token_authentication import authenticate_claims, authenticate_jwt
from accounts.tokens import verify_jwt

# A page sends several requests at once: each may carry the refresh token that the first of them
# has just replaced. Whoever uses a replaced token later than this has stolen it.
REUSE_LEEWAY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class CookieAuthentication:
    """The session of a pair of cookies, and the new pair to send when it was renewed.

    `access` is the live access token, "" where a refresh token alone let the request in.
    """

    session: Session
    access: str = ""
    renewed_cookies: CookiePair | None = None


def authenticate_cookies(access: Iterable[str], refresh: Iterable[str]) -> CookieAuthentication:
    """Accept the first live access token, else renew by the first live refresh token.

    A browser may send several cookies of one name: another service's signs nobody out. Raise
    BadToken where none is live.
    """
    for token in access:
        with suppress(BadToken):
            return CookieAuthentication(authenticate_jwt(token, "access"), token)
    for token in refresh:
        with suppress(BadToken):
            return renew_cookies(token)
    raise BadToken("No cookie is valid.")


def renew_cookies(refresh: str) -> CookieAuthentication:
    """Replace a refresh token once; raise BadToken, and end the session, when it was stolen.

    Whoever comes with the token that was just replaced is let in but gets no cookies, so a browser
    that lost the response has to sign in again. This is deliberate: a thief knows when the access
    token expires and can renew a second earlier. If the browser's next request were given the same
    new cookies, both would hold the token in force each time, and neither would ever present a
    replaced one (RFC 9700, section 4.14.2).
    """
    claims = verify_jwt(refresh, "refresh")
    session = authenticate_claims(claims)
    if claims.jti == session.refresh_jti:
        renewed = _rotate_refresh_token(session)
        return CookieAuthentication(session, renewed.access if renewed else "", renewed)
    if _was_just_replaced(session, claims.jti):
        return CookieAuthentication(session)
    Session.objects.filter(pk=session.pk).end()
    raise BadToken("The refresh token was used before.")


def _was_just_replaced(session: Session, jti: str) -> bool:
    return (
        jti == session.replaced_jti
        and session.replaced_at is not None
        and timezone.now() - session.replaced_at <= REUSE_LEEWAY
    )


@transaction.atomic
def _rotate_refresh_token(session: Session) -> CookiePair | None:
    """Put a new refresh token in force; None when another request of the same page was first."""
    old, now = session.refresh_jti, timezone.now()
    session.refresh_jti = uuid.uuid4().hex
    session.expires_at = now + settings.COOKIE_REFRESH_LIFETIME
    session.issued_jwts = with_access_jwt(session.issued_jwts)
    was_rotated = Session.objects.filter(pk=session.pk, refresh_jti=old, ended_at=None).update(
        refresh_jti=session.refresh_jti,
        replaced_jti=old,
        replaced_at=now,
        expires_at=session.expires_at,
        issued_jwts=session.issued_jwts,
    )
    return issue_cookies(session) if was_rotated else None
