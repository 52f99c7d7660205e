"""What an HTTP request says of its sender: the session, the origin, and whether it is cross-site.

The only module of this package, besides Django's own interfaces, that takes an HTTP request.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.cookies import CookiePair, access_cookie, cookie_values, refresh_cookie
from accounts.exceptions import BadToken, CrossSiteRequest
from accounts.known_devices import device_cookie
from accounts.models import Session
from accounts.renewal import authenticate_cookies
from accounts.request_origin import RequestOrigin
from accounts.scopes import require_scopes
from accounts.token_authentication import authenticate_api_token, authenticate_jwt
from lib.cors import is_trusted_origin
from lib.origins import parse_origin

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_USER_AGENT_LENGTH = 200
# RFC 9110, section 11.4: a scheme and what belongs to it. Clients also send the name alone.
_OF_ANOTHER_SCHEME = re.compile(
    r"(?!(?:bearer|token)\b)[!#$%&'*+.^_`|~0-9a-z-]+ +\S|(?:basic|digest|negotiate|ntlm)\Z",
    re.IGNORECASE,
)
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}").fullmatch
_BARE_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*=*\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Authentication:
    """The live session of a request.

    `authorization` is the Authorization header as the client sent it, and `bearer <jwt>` for a JWT
    that came as a cookie. It is "" for an API token, which must not be passed on.
    """

    session: Session
    authorization: str = ""
    renewed_cookies: CookiePair | None = None


def authenticate_request(
    request: HttpRequest, *, route: str | None = None
) -> Authentication | None:
    """Return the authentication of a request, or None where it carries none.

    A credential of ours in the Authorization header decides alone: raise BadToken when it is
    invalid. An expired or invalid cookie counts as none. Raise CrossSiteRequest for a write that
    another site's page makes with this browser's cookies, before the cookies are read, so that a
    refused request renews nothing.

    Raise MissingScope where the token may not use this method of the route, which is the one that
    Django found unless it is given.
    """
    credential = read_credential(request)
    if credential:
        found: Authentication | None = _authenticate_credential(credential)
    else:
        found = _authenticate_request_cookies(request)
    if found:
        require_scopes(found.session, _route(request, route), request.method or "")
    return found


def _route(request: HttpRequest, given: str | None) -> str:
    match = request.resolver_match
    return given if given is not None else (match.route if match else "")


def read_credential(request: HttpRequest) -> str:
    """Return the credential of the Authorization header; "" where it holds none for this service.

    A credential of another scheme (`Basic`, `Negotiate`, `Digest`) is for a proxy in front and is
    passed over. Several headers of the name arrive joined by commas.
    """
    return find_credential(request.META.get("HTTP_AUTHORIZATION", ""))


def find_credential(header: str) -> str:
    """Return what `read_credential` does, of the header alone."""
    header = header.strip(" \t,")
    credentials = [part.strip() for part in header.split(",")]
    ours = [each for each in credentials if _is_ours(each)]
    if ours:
        return ours[0]
    return "" if _OF_ANOTHER_SCHEME.match(header) else header


def _is_ours(credential: str) -> bool:
    scheme, _, token = credential.partition(" ")
    return scheme.lower() in {"bearer", "token"} if token else _is_bare_jwt(scheme)


def _is_bare_jwt(text: str) -> bool:
    return _BARE_JWT.match(text) is not None


def _authenticate_credential(credential: str) -> Authentication:
    jwt, key = split_credential(credential)
    if jwt:
        return Authentication(authenticate_jwt(jwt, "bearer", "access"), credential)
    return Authentication(authenticate_api_token(key))


def split_credential(credential: str) -> tuple[str, str]:
    """Return the JWT and the API token of a credential, of which one is ""; raise BadToken."""
    scheme, _, rest = credential.partition(" ")
    token = rest.strip()
    if scheme.lower() == "bearer" and token:
        return token, ""
    if scheme.lower() == "token" and token:
        return "", token
    if _is_bare_jwt(credential):
        return credential, ""
    raise BadToken("The Authorization header is in no known form.")


def _authenticate_request_cookies(request: HttpRequest) -> Authentication | None:
    header = request.headers.get("Cookie", "")
    access = cookie_values(header, access_cookie())
    refresh = cookie_values(header, refresh_cookie())
    if not access and not refresh:
        return None
    if request.method not in _SAFE_METHODS:
        refuse_cross_site(request)
    try:
        found = authenticate_cookies(access, refresh)
    except BadToken:
        return None
    authorization = f"bearer {found.access}" if found.access else ""
    return Authentication(found.session, authorization, found.renewed_cookies)


def refuse_cross_site(request: HttpRequest) -> None:
    """Raise CrossSiteRequest when a page of another site sends this request.

    Fetch Metadata (W3C) decides, else Origin; a request with neither comes from no browser.
    """
    origin = request.headers.get("Origin", "")
    if is_trusted_origin(origin, settings.TRUSTED_ORIGINS):
        return
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        is_cross_site = site not in {"same-origin", "none"}
    else:
        is_cross_site = bool(origin) and not _is_our_origin(request, origin)
    if is_cross_site:
        raise CrossSiteRequest


def _is_our_origin(request: HttpRequest, origin: str) -> bool:
    """Return whether an origin has the scheme, host and port under which this is reached."""
    ours = (settings.PUBLIC_URL, f"{request.scheme}://{request.get_host()}")
    given = parse_origin(origin)
    return given is not None and given in map(parse_origin, ours)


def read_origin(request: HttpRequest) -> RequestOrigin:
    """Return the origin of a request.

    X-Forwarded-For is believed only as far as the proxies that TRUSTED_PROXIES counts wrote it.
    """
    user_agent = request.headers.get("User-Agent", "").replace("\0", "")
    device = cookie_values(request.headers.get("Cookie", ""), device_cookie())
    return RequestOrigin(
        read_client_ip(request.META), user_agent[:_MAX_USER_AGENT_LENGTH], "".join(device[:1])
    )


def read_client_ip(environ: Mapping[str, Any]) -> str | None:
    """Return the address of a request's client by its WSGI environ; None for what is none."""
    hops = [environ.get("REMOTE_ADDR", "")]
    if settings.TRUSTED_PROXIES:
        forwarded_for = environ.get("HTTP_X_FORWARDED_FOR", "")
        hops = forwarded_for.split(",")[-settings.TRUSTED_PROXIES :]
    text = hops[0].strip()
    # An IPv4 address has one form. There are more of them than a cache would hold.
    return text if _IPV4(text) else _normalized_ip(text)


@lru_cache(maxsize=4096)
def _normalized_ip(text: str) -> str | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A dual-stack socket shows an IPv4 client as an IPv6 address (RFC 4291, section 2.5.5.2).
    return str(getattr(address, "ipv4_mapped", None) or address)
