"""Sessions: opened, recorded as used, and purged; `Session.objects` ends them."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.tokens import issue_jwt

# Sessions are kept this long after they expire, so that staff can see what happened.
RETENTION = timedelta(days=30)
# Recording the use at every request would turn each read into a write.
RECORD_USE_INTERVAL = timedelta(minutes=5)
_PURGE_BATCH_SIZE = 5_000


@dataclass(frozen=True, slots=True)
class CookiePair:
    """The two JWT cookies of a browser's session."""

    access: str
    refresh: str


def open_bearer_session(user: User, origin: RequestOrigin) -> str:
    """Open a session and return the JWT for its Authorization header."""
    session = _open_session(user, origin, Session.Scheme.BEARER, settings.BEARER_LIFETIME)
    return issue_jwt(session, "bearer", settings.BEARER_LIFETIME)


def open_api_token_session(user: User, origin: RequestOrigin) -> str:
    """Open a session and return its API token: 40 hexadecimal digits, stored only as a hash."""
    token = secrets.token_hex(20)
    scheme, lifetime = Session.Scheme.API_TOKEN, settings.API_TOKEN_LIFETIME
    _open_session(user, origin, scheme, lifetime, key_hash=hash_api_token(token))
    return token


def open_cookie_session(user: User, origin: RequestOrigin) -> CookiePair:
    """Open a browser's session and return its two cookies."""
    scheme, lifetime = Session.Scheme.COOKIE, settings.COOKIE_REFRESH_LIFETIME
    session = _open_session(user, origin, scheme, lifetime, refresh_jti=uuid.uuid4().hex)
    return issue_cookies(session)


def issue_cookies(session: Session) -> CookiePair:
    """Issue both cookies of a session; its `refresh_jti` must be the one in force."""
    refresh_lifetime = settings.COOKIE_REFRESH_LIFETIME
    return CookiePair(
        access=issue_jwt(session, "access", settings.COOKIE_ACCESS_LIFETIME),
        refresh=issue_jwt(session, "refresh", refresh_lifetime, jti=session.refresh_jti),
    )


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
    keys = list(expired.values_list("pk", flat=True)[:_PURGE_BATCH_SIZE])
    return Session.objects.filter(pk__in=keys).delete()[0]


def _open_session(
    user: User, origin: RequestOrigin, scheme: Session.Scheme, lifetime: timedelta, **fields: str
) -> Session:
    return Session.objects.create(
        user=user,
        scheme=scheme,
        expires_at=timezone.now() + lifetime,
        address=origin.client_ip,
        agent=origin.user_agent,
        **fields,
    )
