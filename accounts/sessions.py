"""Sessions opened, noted as used, and purged; `Session.objects` ends them."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Session, User
from accounts.request_origin import Client
from accounts.tokens import issue

# Sessions are kept this long after their end, so that staff can see what happened.
KEPT_AFTER_END = timedelta(days=30)
# Writing the time of use at every request would turn each read into a write.
USE_NOTED_EVERY = timedelta(minutes=5)
_FORGOTTEN_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class CookiePair:
    """The two JWT cookies of a browser's session."""

    access: str
    refresh: str


def open_bearer(user: User, client: Client) -> str:
    """Open a session and return the JWT for its Authorization header."""
    session = _open(user, client, Session.Scheme.BEARER, settings.BEARER_LIFETIME)
    return issue(session, "bearer", settings.BEARER_LIFETIME)


def open_api_token(user: User, client: Client) -> str:
    """Open a session and return its API token: 40 hexadecimal digits, stored only as a hash."""
    key = secrets.token_hex(20)
    _open(
        user, client, Session.Scheme.API_TOKEN, settings.API_TOKEN_LIFETIME, key_hash=hash_of(key)
    )
    return key


def open_cookies(user: User, client: Client) -> CookiePair:
    """Open a browser's session and return its two cookies."""
    jti = uuid.uuid4().hex
    lifetime = settings.COOKIE_REFRESH_LIFETIME
    session = _open(user, client, Session.Scheme.COOKIE, lifetime, refresh_jti=jti)
    return cookies_for(session)


def cookies_for(session: Session) -> CookiePair:
    """Write both cookies of a session whose refresh_jti is in force."""
    return CookiePair(
        access=issue(session, "access", settings.COOKIE_ACCESS_LIFETIME),
        refresh=issue(
            session, "refresh", settings.COOKIE_REFRESH_LIFETIME, jti=session.refresh_jti
        ),
    )


def hash_of(key: str) -> str:
    """Return what is stored of an API token; it is random, so a plain digest suffices."""
    return hashlib.sha256(key.encode()).hexdigest()


def note_use(session: Session) -> None:
    """Write down that the session is in use, at most every few minutes."""
    now = timezone.now()
    if now - session.last_used_at > USE_NOTED_EVERY:
        Session.objects.filter(pk=session.pk).update(last_used_at=now)


def forget_ended() -> int:
    """Delete a batch of sessions that nobody can use any more; returns how many."""
    long_ago = timezone.now() - KEPT_AFTER_END
    keys = Session.objects.filter(expires_at__lt=long_ago).values_list("pk", flat=True)
    return Session.objects.filter(pk__in=list(keys[:_FORGOTTEN_AT_ONCE])).delete()[0]


def _open(
    user: User, client: Client, scheme: Session.Scheme, lifetime: timedelta, **fields: str
) -> Session:
    return Session.objects.create(
        user=user,
        scheme=scheme,
        expires_at=timezone.now() + lifetime,
        address=client.address,
        agent=client.agent,
        **fields,
    )
