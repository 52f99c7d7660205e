"""From a token to its live session with user and tier, in one query."""

from django.utils import timezone

from accounts.exceptions import BadToken
from accounts.external_issuer import authenticate_external_token, is_external_token
from accounts.models import Session
from accounts.sessions import hash_api_token, record_use
from accounts.staff_rights import rest_rights_without_factor
from accounts.tokens import Claims, TokenKind, verify_jwt
from lib.compiled_query import CompiledQuery

_session_by_id = CompiledQuery(Session.objects.with_user, "id")
_session_by_key_hash = CompiledQuery(Session.objects.with_user, "key_hash")


def authenticate_jwt(token: str, *kinds: TokenKind) -> Session:
    """Return the live session of a JWT; raise ExpiredToken for one that only expired, BadToken."""
    _require_encodable(token)
    if is_external_token(token):
        return _require_live(authenticate_external_token(token))
    return authenticate_claims(verify_jwt(token, *kinds))


def authenticate_claims(claims: Claims) -> Session:
    """Return the live session that verified claims name; raise BadToken."""
    session = _require_live(_session_by_id.first(claims.token_id))
    if session.user_id != claims.user_id:
        raise BadToken("The session belongs to another account.")
    return session


def authenticate_api_token(token: str) -> Session:
    """Return the live session of an API token; raise BadToken."""
    _require_encodable(token)
    return _require_live(_session_by_key_hash.first(hash_api_token(token)))


def _require_encodable(token: str) -> None:
    """Raise BadToken for half a surrogate pair, which the JSON of a socket can escape."""
    try:
        token.encode()
    except UnicodeEncodeError:
        raise BadToken("The token is no text.") from None


def _require_live(session: Session | None) -> Session:
    if session is None or not session.is_live(timezone.now()) or not session.user.is_active:
        raise BadToken("The session has ended.")
    rest_rights_without_factor(session)
    record_use(session)
    return session
