"""Handshakes of sockets: who opens one, and whose events it may show.

The token is read from the `Authorization` header, the subprotocol `bearer, <jwt>`, or the JWT
cookies; never from the URL, which ends up in logs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from django.core.exceptions import DisallowedHost, PermissionDenied
from django.http import HttpRequest, HttpResponse

from accounts.cookies import CookiePair, set_token_cookies
from accounts.exceptions import BadToken, CrossSiteRequest, MissingScope
from accounts.models import Session, User
from accounts.request_authentication import (
    Authentication,
    authenticate_request,
    read_credential,
    refuse_cross_site,
)
from accounts.scopes import PICTURES_SOCKET, require_scopes
from accounts.token_authentication import authenticate_jwt
from images.access import may_act_for
from images.permissions import PicturePermission
from lib.path_converters import parse_uuid
from notifications.sockets.close_codes import (
    BAD_QUERY,
    MISSING_SCOPE,
    NOT_ALLOWED,
    SIGNED_OUT,
    UNKNOWN_ACCOUNT,
    SocketRefused,
)

SUBPROTOCOL = "bearer"
Scope = Mapping[str, Any]
Headers = list[tuple[bytes, bytes]]


class _HandshakeRequest(HttpRequest):
    """A request whose scheme is that of the socket, unless a trusted proxy names another."""

    is_encrypted = False

    def _get_scheme(self) -> str:
        return "https" if self.is_encrypted else "http"


@dataclass(frozen=True, slots=True)
class Handshake:
    """An accepted handshake; `since` is the last event that the client has, None for no replay."""

    session: Session
    owner_id: UUID
    since: int | None
    format: str
    headers: Headers

    @property
    def is_of_staff(self) -> bool:
        """Tell whether a member of staff opens another account's events."""
        return self.session.user_id != self.owner_id


def accept_handshake(scope: Scope) -> Handshake:
    """Authenticate a handshake and parse its query; raise SocketRefused or CrossSiteRequest."""
    authentication = _authenticate(scope)
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Handshake(
        session=authentication.session,
        owner_id=_parse_owner(authentication.session.user, _single_value(query, "user")),
        since=_parse_since(_single_value(query, "since")),
        format=_single_value(query, "format") or "",
        headers=_cookie_headers(authentication.renewed_cookies),
    )


def accepted_subprotocol(scope: Scope) -> str | None:
    """Return the subprotocol to accept; browsers drop a socket whose server accepts none."""
    return SUBPROTOCOL if SUBPROTOCOL in scope.get("subprotocols", []) else None


def account_to_show(viewer: User, requested: UUID | None) -> UUID:
    """Return whose events a viewer gets.

    Those of another account are for staff who may see its pictures: raise PermissionDenied, or
    User.DoesNotExist.
    """
    if requested is None or requested == viewer.pk:
        return viewer.pk
    if not may_act_for(viewer, requested, PicturePermission.VIEW):
        raise PermissionDenied
    return User.objects.values_list("pk", flat=True).get(pk=requested)


def make_request(scope: Scope) -> HttpRequest:
    """Return the handshake as the GET request that it is, for the code shared with HTTP."""
    request = _HandshakeRequest()
    request.method = "GET"
    request.is_encrypted = scope.get("scheme") in {"wss", "https"}
    request.META["REMOTE_ADDR"] = (scope.get("client") or ("",))[0]
    for name, value in join_headers(scope["headers"]).items():
        request.META[f"HTTP_{name.upper().replace('-', '_')}"] = value
    return request


def join_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Join headers that occur more than once (RFC 9110, section 5.3)."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        separator = "; " if name == "cookie" else ","
        joined[name] = f"{joined[name]}{separator}{value}" if name in joined else value
    return joined


def _authenticate(scope: Scope) -> Authentication:
    """Use our credential of the header, else the subprotocol, else the cookies."""
    request = make_request(scope)
    offered = list(scope.get("subprotocols", []))
    try:
        if not read_credential(request):
            if SUBPROTOCOL in offered:
                return _authenticate_subprotocol(offered)
            if request.headers.get("Cookie"):
                refuse_cross_site(request)
        authentication = authenticate_request(request, route=PICTURES_SOCKET)
    except BadToken:
        raise SocketRefused(SIGNED_OUT) from None
    except MissingScope:
        raise SocketRefused(MISSING_SCOPE) from None
    except DisallowedHost:
        raise CrossSiteRequest from None
    if authentication is None:
        raise SocketRefused(SIGNED_OUT)
    return authentication


def _authenticate_subprotocol(offered: list[str]) -> Authentication:
    """Authenticate by the token, which follows the `bearer` subprotocol."""
    token = "".join(offered[offered.index(SUBPROTOCOL) + 1 :][:1])
    session = authenticate_jwt(token, "bearer", "access")
    require_scopes(session, PICTURES_SOCKET, "GET")
    return Authentication(session)


def _single_value(query: dict[str, list[str]], name: str) -> str | None:
    values = query.get(name, [])
    if len(values) > 1:
        raise SocketRefused(BAD_QUERY)
    return values[0] if values else None


def _parse_since(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise SocketRefused(BAD_QUERY)
    return int(text)


def _parse_owner(viewer: User, text: str | None) -> UUID:
    try:
        return account_to_show(viewer, parse_uuid(text) if text is not None else None)
    except ValueError:
        raise SocketRefused(BAD_QUERY) from None
    except PermissionDenied:
        raise SocketRefused(NOT_ALLOWED) from None
    except User.DoesNotExist:
        raise SocketRefused(UNKNOWN_ACCOUNT) from None


def _cookie_headers(renewed: CookiePair | None) -> Headers:
    """Return the headers for renewed cookies; without them the browser's session would end."""
    if renewed is None:
        return []
    response = HttpResponse()
    set_token_cookies(response, renewed)
    return [(b"set-cookie", morsel.OutputString().encode()) for morsel in response.cookies.values()]
