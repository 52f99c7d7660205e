"""From a token to its live session, user and tier: one query."""

from django.utils import timezone

from accounts import external_issuer
from accounts.exceptions import BadToken
from accounts.models import Session
from accounts.sessions import hash_of, note_use
from accounts.tokens import Claims, Kind, read
from lib.compiled_query import RowBy

_session_by_id = RowBy(Session.objects.with_user, "id")
_session_by_key = RowBy(Session.objects.with_user, "key_hash")


def session_of_jwt(token: str, *kinds: Kind) -> Session:
    """Return the live session of a JWT; raises BadToken (ExpiredToken when only time is over)."""
    if external_issuer.is_outside(token):
        return _usable(external_issuer.session_of_outside(token))
    return session_of_claims(read(token, *kinds))


def session_of_claims(claims: Claims) -> Session:
    """Return the live session that checked claims name; raises BadToken."""
    session = _usable(_session_by_id.first(claims.token_id))
    if session.user_id != claims.user_id:
        raise BadToken("The session is somebody else's.")
    return session


def session_of_api_token(key: str) -> Session:
    """Return the live session of an API token; raises BadToken."""
    return _usable(_session_by_key.first(hash_of(key)))


def _usable(session: Session | None) -> Session:
    if session is None or not session.is_live(timezone.now()) or not session.user.is_active:
        raise BadToken("The session has ended.")
    note_use(session)
    return session
