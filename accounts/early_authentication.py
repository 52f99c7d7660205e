"""Who asks for what is answered before Django: a verified token, and its session by a short query.

The same rules as in `accounts.token_authentication`, without the rows of account and tier. What
takes more to decide, or is to be refused, is None here: it is for `authenticate_request`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from accounts.cookies import access_cookie, cookie_values
from accounts.exceptions import BadToken
from accounts.external_issuer import is_external_token
from accounts.models import Session
from accounts.request_authentication import find_credential, split_credential
from accounts.scopes import Scopes, granted_scopes
from accounts.sessions import hash_api_token, record_use
from accounts.staff_rights import rights_rest_in
from accounts.tokens import Claims, TokenKind, verify_jwt
from lib.compiled_query import CompiledValues


class Reader(NamedTuple):
    """A live session, as far as it decides what a request may read."""

    pk: UUID
    user_id: UUID
    ended_at: datetime | None
    expires_at: datetime
    last_used_at: datetime
    scopes: list[str] | None
    user_is_active: bool
    is_superuser: bool
    tier_id: int
    tier_updated_at: datetime
    second_factor_at: datetime | None

    @property
    def granted_scopes(self) -> Scopes:
        """What the session's token may do."""
        return granted_scopes(self.scopes)


_COLUMNS = (
    *("id", "user_id", "ended_at", "expires_at", "last_used_at", "scopes", "user__is_active"),
    *("user__is_superuser", "user__tier_id", "user__tier__updated_at", "second_factor_at"),
)
_reader_by_id = CompiledValues(Session.objects.all, "id", _COLUMNS)
_reader_by_key_hash = CompiledValues(Session.objects.all, "key_hash", _COLUMNS)


@dataclass(frozen=True, slots=True)
class EarlyToken:
    """The token of a request: a JWT that is verified, or an API token."""

    claims: Claims | None
    key: str = ""

    @property
    def user_id(self) -> UUID | None:
        """Whose a JWT is; None for an API token, which does not say so."""
        return self.claims.user_id if self.claims else None

    def find_reader(self) -> Reader | None:
        """Return the token's live session, in one query."""
        if self.claims:
            row = _reader_by_id.first(self.claims.token_id)
        else:
            row = _reader_by_key_hash.first(hash_api_token(self.key))
        reader = Reader(*row) if row else None
        if reader is None or not self._is_good(reader):
            return None
        record_use(reader)
        return reader._replace(is_superuser=False) if rights_rest_in(reader) else reader

    def _is_good(self, reader: Reader) -> bool:
        is_live = reader.ended_at is None and reader.expires_at > timezone.now()
        is_theirs = self.claims is None or reader.user_id == self.claims.user_id
        return is_live and is_theirs and reader.user_is_active


def read_early_token(environ: Mapping[str, Any]) -> EarlyToken | None:
    """Return the token of a request by its WSGI environ."""
    try:
        if credential := find_credential(environ.get("HTTP_AUTHORIZATION", "")):
            jwt, key = split_credential(credential)
            return _verify(jwt, "bearer", "access") if jwt else EarlyToken(None, key)
        # Of several cookies, the first may be another service's.
        access = cookie_values(environ.get("HTTP_COOKIE", ""), access_cookie())
        return _verify(access[0], "access") if len(access) == 1 else None
    except BadToken:
        return None


def _verify(jwt: str, *kinds: TokenKind) -> EarlyToken | None:
    return None if is_external_token(jwt) else EarlyToken(verify_jwt(jwt, *kinds))
