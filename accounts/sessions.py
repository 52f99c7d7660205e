"""Sessions: opened, recorded as used, and purged; `Session.objects` ends them.

Each `open_…` function takes an account as it was when its password was checked, and raises
BadCredentials where the password was replaced, or the account closed, since then.
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.signals import session_opened
from accounts.tokens import (
    IssuedJwt,
    TokenKind,
    UnknownKey,
    issue_jwt,
    name_key,
    sign_jwt,
    start_jwt,
)
from lib.batches import delete_batch

# Sessions are kept this long after they expire, so that staff can see what happened.
RETENTION = timedelta(days=30)
# Recording the use at every request would turn each read into a write.
RECORD_USE_INTERVAL = timedelta(minutes=5)
# Peers remember for this long that a token was accepted, whatever `exp` says.
PEER_CACHE_LIFETIME = timedelta(hours=1)
# Access tokens kept of a session. With the default lifetime, an hour, and at most one new token in
# half of it, peers can hold four; the others are for new keys and lifetimes.
MAX_ISSUED_JWTS = 8
# The kind of the JWTs that a client shows to peers.
_KINDS: dict[str, TokenKind] = {Session.Scheme.BEARER: "bearer", Session.Scheme.COOKIE: "access"}


@dataclass(frozen=True, slots=True)
class CookiePair:
    """The two JWT cookies of a browser's session."""

    access: str
    refresh: str


def open_bearer_session(user: User, origin: RequestOrigin) -> str:
    """Open a session and return the JWT for its Authorization header."""
    lifetime, issued = settings.BEARER_LIFETIME, start_jwt(settings.BEARER_LIFETIME)
    session = _open_session(user, origin, Session.Scheme.BEARER, lifetime, issued_jwts=[issued])
    return sign_jwt(session, "bearer", issued)


def open_api_token_session(user: User, origin: RequestOrigin) -> str:
    """Open a session and return its API token: 40 hexadecimal digits, stored only as a hash."""
    token = secrets.token_hex(20)
    scheme, lifetime = Session.Scheme.API_TOKEN, settings.API_TOKEN_LIFETIME
    _open_session(user, origin, scheme, lifetime, key_hash=hash_api_token(token))
    return token


def open_cookie_session(user: User, origin: RequestOrigin) -> CookiePair:
    """Open a browser's session and return its two cookies."""
    session = _open_session(
        user,
        origin,
        Session.Scheme.COOKIE,
        settings.COOKIE_REFRESH_LIFETIME,
        refresh_jti=uuid.uuid4().hex,
        issued_jwts=with_access_jwt([]),
    )
    return issue_cookies(session)


def issue_cookies(session: Session) -> CookiePair:
    """Sign both cookies of a session: its newest access token, and the refresh token in force."""
    refresh_lifetime = settings.COOKIE_REFRESH_LIFETIME
    return CookiePair(
        access=sign_jwt(session, "access", (session.issued_jwts or [])[-1]),
        refresh=issue_jwt(session, "refresh", refresh_lifetime, jti=session.refresh_jti),
    )


def with_access_jwt(issued_jwts: list[IssuedJwt] | None) -> list[IssuedJwt]:
    """Return a session's access tokens without those that peers have forgotten.

    The last one is the token to give to the browser: the newest while half of its life is left,
    else a new one. So a client that renews without end holds two live tokens, and all that must be
    announced when the session ends are in this list.
    """
    now, lifetime = timezone.now().timestamp(), settings.COOKIE_ACCESS_LIFETIME
    forgotten = now - PEER_CACHE_LIFETIME.total_seconds()
    kept = [issued for issued in issued_jwts or [] if issued["exp"] > forgotten]
    if kept and _is_fresh(kept[-1], now):
        return kept
    return [*kept, start_jwt(lifetime)][-MAX_ISSUED_JWTS:]


def _is_fresh(issued: IssuedJwt, now: float) -> bool:
    """Tell whether a token has half of its life left, by the key and lifetime of today."""
    lifetime = settings.COOKIE_ACCESS_LIFETIME.total_seconds()
    left = issued["exp"] - now
    return issued["key"] == name_key(settings.SECRET_KEY) and lifetime / 2 <= left <= lifetime


def remake_jwts(session: Session) -> list[str]:
    """Return the JWTs of a session that has ended, oldest first, byte for byte as they were issued.

    Leave out those whose key is gone. Raise ValueError for a session that has not ended: nobody
    may get its tokens in this way.
    """
    if session.ended_at is None:
        raise ValueError("the session has not ended")
    remade = []
    for issued in session.issued_jwts or []:
        try:
            remade.append(sign_jwt(session, _KINDS[session.scheme], issued))
        except UnknownKey:
            continue
    return remade


def hash_api_token(token: str) -> str:
    """Return what is stored of an API token; it is random, so a plain digest suffices."""
    return hashlib.sha256(token.encode()).hexdigest()


def record_use(session: Session) -> None:
    """Record that the session is in use, at most once per RECORD_USE_INTERVAL."""
    now = timezone.now()
    if now - session.last_used_at > RECORD_USE_INTERVAL:
        Session.objects.filter(pk=session.pk).update(last_used_at=now)


def purge_expired_sessions() -> int:
    """Delete a batch of sessions that expired long ago; return how many."""
    expired = Session.objects.filter(expires_at__lt=timezone.now() - RETENTION)
    return delete_batch(expired)


@transaction.atomic
def _open_session(
    user: User, origin: RequestOrigin, scheme: Session.Scheme, lifetime: timedelta, **fields: Any
) -> Session:
    """Write the row, unless what ends sessions happened since the password was checked.

    Raise BadCredentials then: whatever ends the sessions of an account changes its row first, and
    would miss this one.
    """
    User.objects.lock_with_password(user.pk, user.password)
    session = Session.objects.create(
        user=user,
        scheme=scheme,
        expires_at=timezone.now() + lifetime,
        address=origin.client_ip,
        agent=origin.user_agent,
        **fields,
    )
    session_opened.send(sender=Session, session=session)
    return session
