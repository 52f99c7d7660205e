"""Sessions: opened, recorded as used, and purged; `Session.objects` ends them.

Each `open_…` function takes an account as it was when its password was checked, and raises
BadCredentials where the password was replaced, or the account closed, since then. Each writes the
account's `last_login`; `record_use` is what every authenticated request and open socket calls.
"""

import hashlib
import secrets
import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.cookies import CookiePair
from accounts.exceptions import BadCredentials, BadToken, MissingScope, TooManyTokens
from accounts.models import Session, SessionQuerySet, User
from accounts.new_devices import question_of
from accounts.request_origin import RequestOrigin
from accounts.scopes import Scope
from accounts.signals import session_opened
from accounts.staff_rights import Factor, is_in_force
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
from lib.compiled_insert import CompiledInsert
from lib.compiled_query import CompiledRows, Parameter
from lib.made_once import made_once

# Sessions are kept this long after they expire, so that staff can see what happened.
RETENTION = timedelta(days=30)
# Recording the use at every request would turn each read into a write.
RECORD_USE_INTERVAL = timedelta(minutes=5)
# Peers remember for this long that a token was accepted, whatever `exp` says.
PEER_CACHE_LIFETIME = timedelta(hours=1)
# Access tokens kept of a session. With the default lifetime, an hour, and at most one new token in
# half of it, peers can hold four; the others are for new keys and lifetimes.
MAX_ISSUED_JWTS = 8
# API tokens of an account. Of those without a name, which clients get without end, the oldest goes;
# a named one is somewhere in use.
MAX_NAMED_TOKENS = 50
MAX_UNNAMED_TOKENS = 50
_sessions = CompiledInsert(Session)
# The kind of the JWTs that a client shows to peers.
_KINDS: dict[str, TokenKind] = {Session.Scheme.BEARER: "bearer", Session.Scheme.COOKIE: "access"}


def open_bearer_session(user: User, origin: RequestOrigin) -> str:
    """Open a session and return the JWT for its Authorization header."""
    lifetime, issued = settings.BEARER_LIFETIME, start_jwt(settings.BEARER_LIFETIME)
    session = _open_session(user, origin, Session.Scheme.BEARER, lifetime, issued_jwts=[issued])
    return sign_jwt(session, "bearer", issued)


@transaction.atomic
def open_api_token_session(user: User, origin: RequestOrigin) -> str:
    """Open a session and return its API token: 40 hexadecimal digits, stored only as a hash.

    It has no name and every scope. End the oldest of its kind beyond MAX_UNNAMED_TOKENS.
    """
    token = secrets.token_hex(20)
    scheme, lifetime = Session.Scheme.API_TOKEN, settings.API_TOKEN_LIFETIME
    _open_locked(user, origin, scheme, lifetime, key_hash=hash_api_token(token))
    unnamed = [row["pk"] for row in _unnamed_tokens().get(user.pk, timezone.now())]
    if surplus := unnamed[MAX_UNNAMED_TOKENS:]:
        Session.objects.filter(pk__in=surplus).end()
    return token


@made_once
def _unnamed_tokens() -> CompiledRows:
    """Of a live account at a moment, the newest first."""
    user, expires_at = (
        Parameter(position, Session._meta.get_field(name))  # type: ignore[arg-type]  # columns
        for position, name in enumerate(("user", "expires_at"))
    )
    live = Session.objects.filter(user=user, ended_at=None, expires_at__gt=expires_at)
    unnamed = live.filter(scheme=Session.Scheme.API_TOKEN, name="")
    return CompiledRows(unnamed.order_by("-created_at", "-id"), ["pk"])


@transaction.atomic
def make_named_token(
    session: Session,
    *,
    name: str,
    scopes: Collection[Scope],
    lifetime: timedelta,
    origin: RequestOrigin,
) -> tuple[Session, str]:
    """Make a token for the account of a session; return its own session and the token.

    Raise MissingScope for a scope that the session's own token lacks, TooManyTokens where
    MAX_NAMED_TOKENS are live, and BadToken where the session has ended meanwhile.
    """
    lacking = [each.value for each in Scope if each in {*scopes} - session.granted_scopes]
    if lacking:
        raise MissingScope(lacking)
    user = session.user
    # What ends all sessions takes this lock first: it ends what is made here, or is seen here.
    User.objects.lock(user.pk)
    if not Session.objects.live().filter(pk=session.pk).exists():
        raise BadToken("The session has ended.")
    if _api_tokens_of(user).exclude(name="").count() >= MAX_NAMED_TOKENS:
        raise TooManyTokens(MAX_NAMED_TOKENS)
    token = secrets.token_hex(20)
    made = _create_session(
        user,
        origin,
        Session.Scheme.API_TOKEN,
        lifetime,
        key_hash=hash_api_token(token),
        name=name,
        scopes=[each.value for each in Scope if each in scopes],
        # It has the rights of the session that makes it, and no more.
        second_factor_at=session.second_factor_at,
    )
    return made, token


def _api_tokens_of(user: User) -> SessionQuerySet:
    return Session.objects.of(user).live().filter(scheme=Session.Scheme.API_TOKEN)


def open_cookie_session(
    user: User, origin: RequestOrigin, factor: Factor | None = None
) -> CookiePair:
    """Open a browser's session and return its two cookies.

    `factor` is what `second_factor.spend_code` returned, if a code was given.
    """
    session = _open_session(
        user,
        origin,
        Session.Scheme.COOKIE,
        settings.COOKIE_REFRESH_LIFETIME,
        factor,
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


class Used(Protocol):
    """A session, as far as its use is concerned."""

    @property
    def pk(self) -> uuid.UUID: ...

    @property
    def last_used_at(self) -> datetime: ...


def record_use(session: Session | Used) -> None:
    """Record that the session is in use, at most once per RECORD_USE_INTERVAL."""
    now = timezone.now()
    if now - session.last_used_at > RECORD_USE_INTERVAL:
        Session.objects.filter(pk=session.pk).update(last_used_at=now)


def record_origin(session: Session, origin: RequestOrigin) -> None:
    """Record where a session was opened from, where that was not known when its row was written."""
    if session.address is None and not session.agent:
        found = {"address": origin.client_ip, "agent": origin.user_agent}
        Session.objects.filter(pk=session.pk).update(**found)


def record_use_of_all(session_ids: Iterable[uuid.UUID]) -> None:
    """Record that sessions are in use, where that was not recorded lately."""
    now = timezone.now()
    stale = Session.objects.filter(last_used_at__lt=now - RECORD_USE_INTERVAL, ended_at=None)
    stale.filter(pk__in=list(session_ids)).update(last_used_at=now)


def purge_expired_sessions() -> int:
    """Delete a batch of sessions that expired long ago; return how many."""
    expired = Session.objects.filter(expires_at__lt=timezone.now() - RETENTION)
    return delete_batch(expired)


def _open_locked(
    user: User,
    origin: RequestOrigin,
    scheme: Session.Scheme,
    lifetime: timedelta,
    factor: Factor | None = None,
    **fields: Any,
) -> Session:
    """Write the row in a transaction of the caller's.

    Raise BadCredentials where what ends sessions happened since password and code were checked:
    whatever ends those of an account, or removes its second factor, changes its row first, and
    would miss this one.
    """
    User.objects.record_sign_in(user.pk, user.password)
    if factor is not None:
        if not is_in_force(factor):
            raise BadCredentials
        fields["second_factor_at"] = timezone.now()
    return _create_session(user, origin, scheme, lifetime, **fields)


# A transaction of its own; inside of another it would be a savepoint, which takes two statements.
_open_session = transaction.atomic(_open_locked)


def _create_session(
    user: User, origin: RequestOrigin, scheme: Session.Scheme, lifetime: timedelta, **fields: Any
) -> Session:
    """Write the row; the caller holds the lock on the account's."""
    session = Session(
        user=user,
        scheme=scheme,
        expires_at=timezone.now() + lifetime,
        address=origin.client_ip,
        agent=origin.user_agent,
        **fields,
    )
    # Behind the lock, so that of two sign-ins from a new device one is the first.
    question = None if scheme == Session.Scheme.API_TOKEN else question_of(user, origin)
    if question is None:
        is_new_device = False
        _sessions.insert(session)
    else:
        found = _sessions.insert_and_ask(session, question.sql, question.parameters)
        is_new_device = question.is_new(found)
    session_opened.send(sender=Session, session=session, is_new_device=is_new_device)
    return session
