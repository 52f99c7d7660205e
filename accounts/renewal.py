"""JWT cookies that renew themselves: each use replaces the refresh token (RFC 9700, 4.14.2)."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.exceptions import BadToken
from accounts.models import Session
from accounts.sessions import CookiePair, cookies_for
from accounts.tokens import read
from accounts.verification import session_of_claims, session_of_jwt

# A page sends several requests at once: each may come with the refresh token that the first of
# them has just replaced. Later than this, a replaced token is a stolen one.
GRACE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class CookieSignIn:
    """A session known by its cookies, and the new cookies to send when these were renewed."""

    session: Session
    renewed: CookiePair | None = None


def sign_in_by_cookies(access: str, refresh: str) -> CookieSignIn:
    """Accept a live access cookie, else renew by the refresh cookie; raises BadToken."""
    try:
        return CookieSignIn(session_of_jwt(access, "access"))
    except BadToken:
        if not refresh:
            raise
    return renew(refresh)


def renew(refresh: str) -> CookieSignIn:
    """Replace a refresh token once; raises BadToken, and ends the session of a stolen one.

    Whoever comes with the one just replaced passes, but gets no cookies, although those of an
    answer that was lost are then lost for good. A thief knows when the access token ends, and
    renews a second earlier; if the browser's next request were given the same new cookies, both
    would hold what is in force each time, and neither ever show what was replaced (RFC 9700,
    section 4.14.2).
    """
    claims = read(refresh, "refresh")
    session = session_of_claims(claims)
    if claims.jti == session.refresh_jti:
        return CookieSignIn(session, _replaced(session))
    if _was_replaced_just_now(session, claims.jti):
        return CookieSignIn(session)
    Session.objects.filter(pk=session.pk).end()
    raise BadToken("The refresh token was used before.")


def _was_replaced_just_now(session: Session, jti: str) -> bool:
    return (
        jti == session.replaced_jti
        and session.replaced_at is not None
        and timezone.now() - session.replaced_at <= GRACE
    )


@transaction.atomic
def _replaced(session: Session) -> CookiePair | None:
    """Put a new refresh token in force, unless another request of the same page was first."""
    old, now = session.refresh_jti, timezone.now()
    session.refresh_jti = uuid.uuid4().hex
    session.expires_at = now + settings.COOKIE_REFRESH_LIFETIME
    replaced = Session.objects.filter(pk=session.pk, refresh_jti=old, ended_at=None).update(
        refresh_jti=session.refresh_jti,
        replaced_jti=old,
        replaced_at=now,
        expires_at=session.expires_at,
    )
    return cookies_for(session) if replaced else None
