"""Who opens a socket, and whose events it may show.

The token comes by `Authorization` header, by subprotocol `bearer, <jwt>`, or by JWT cookie; never
by the address, which ends up in logs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from django.core.exceptions import DisallowedHost, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.cookie import parse_cookie

from accounts.cookies import set_token_cookies
from accounts.exceptions import BadToken, CrossSiteRequest
from accounts.models import Session, User
from accounts.request_authentication import Authentication, authenticate_request, refuse_cross_site
from accounts.sessions import CookiePair
from accounts.token_authentication import authenticate_jwt
from notifications.sockets.close_codes import (
    BAD_QUERY,
    NOT_ALLOWED,
    SIGNED_OUT,
    UNKNOWN_ACCOUNT,
    Refused,
)

SUBPROTOCOL = "bearer"
Scope = Mapping[str, Any]
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Visit:
    """An accepted wish: whose session opens the socket, whose events it shows, from where on."""

    session: Session
    owner_id: UUID
    since: int | None
    format: str
    headers: Headers

    @property
    def is_watching(self) -> bool:
        """Tell whether staff look at somebody else's events."""
        return self.session.user_id != self.owner_id


def visit_of(scope: Scope) -> Visit:
    """Return what a handshake may have; raises Refused, or CrossSiteRequest for a hijack."""
    sign_in = _sign_in(scope)
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Visit(
        session=sign_in.session,
        owner_id=_owner(sign_in.session.user, _one(query, "user")),
        since=_since(_one(query, "since")),
        format=_one(query, "format") or "",
        headers=_cookie_headers(sign_in.renewed_cookies),
    )


def subprotocol_of(scope: Scope) -> str | None:
    """Return what to answer a client that offers `bearer`: browsers insist on an answer."""
    return SUBPROTOCOL if SUBPROTOCOL in scope.get("subprotocols", []) else None


def watched_account(viewer: User, wanted: UUID | None) -> UUID:
    """Return whose events a viewer gets; raises PermissionDenied, or User.DoesNotExist to staff."""
    if wanted is None or wanted == viewer.pk:
        return viewer.pk
    if not viewer.is_staff:
        raise PermissionDenied
    return User.objects.values_list("pk", flat=True).get(pk=wanted)


def _sign_in(scope: Scope) -> Authentication:
    """The header decides alone, then the subprotocol, then the cookies with their origin."""
    request = _request_of(scope)
    offered = list(scope.get("subprotocols", []))
    try:
        if not request.headers.get("Authorization"):
            if SUBPROTOCOL in offered:
                return _by_subprotocol(offered)
            if request.COOKIES:
                refuse_cross_site(request)
        sign_in = authenticate_request(request)
    except BadToken:
        raise Refused(SIGNED_OUT) from None
    except DisallowedHost:
        raise CrossSiteRequest from None
    if sign_in is None:
        raise Refused(SIGNED_OUT)
    return sign_in


def _by_subprotocol(offered: list[str]) -> Authentication:
    """Read the token, which stands behind the word."""
    token = "".join(offered[offered.index(SUBPROTOCOL) + 1 :][:1])
    return Authentication(authenticate_jwt(token, "bearer", "access"), token)


def _request_of(scope: Scope) -> HttpRequest:
    """Write a handshake as the GET request that it is, for the code that all doors share."""
    request = HttpRequest()
    request.method = "GET"
    for name, value in _joined(scope["headers"]).items():
        request.META[f"HTTP_{name.upper().replace('-', '_')}"] = value
    request.COOKIES = parse_cookie(request.META.get("HTTP_COOKIE", ""))
    return request


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Join headers that come more than once (RFC 9110, 5.3)."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        between = "; " if name == "cookie" else ","
        joined[name] = f"{joined[name]}{between}{value}" if name in joined else value
    return joined


def _one(query: dict[str, list[str]], name: str) -> str | None:
    values = query.get(name, [])
    if len(values) > 1:
        raise Refused(BAD_QUERY)
    return values[0] if values else None


def _since(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Refused(BAD_QUERY)
    return int(text)


def _owner(viewer: User, text: str | None) -> UUID:
    try:
        return watched_account(viewer, UUID(text) if text is not None else None)
    except ValueError:
        raise Refused(BAD_QUERY) from None
    except PermissionDenied:
        raise Refused(NOT_ALLOWED) from None
    except User.DoesNotExist:
        raise Refused(UNKNOWN_ACCOUNT) from None


def _cookie_headers(renewed: CookiePair | None) -> Headers:
    """Cookies that were renewed on the way must reach the browser, or its session would end."""
    if renewed is None:
        return []
    answer = HttpResponse()
    set_token_cookies(answer, renewed)
    return [(b"set-cookie", morsel.OutputString().encode()) for morsel in answer.cookies.values()]
