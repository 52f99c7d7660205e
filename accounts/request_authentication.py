"""What an HTTP request says of its sender: the session, the origin, and whether it is cross-site.

The only module of this package, besides Django's own interfaces, that takes an HTTP request.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from accounts.cookies import ACCESS_COOKIE, REFRESH_COOKIE
from accounts.exceptions import BadToken, CrossSiteRequest
from accounts.models import Session
from accounts.renewal import authenticate_cookies
from accounts.request_origin import RequestOrigin
from accounts.sessions import CookiePair
from accounts.token_authentication import authenticate_api_token, authenticate_jwt

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_USER_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Authentication:
    """The live session of a request.

    `authorization` is the Authorization header of its JWT: as the client sent it where it names a
    scheme, else `bearer <jwt>`. It is "" for an API token, which must not be passed on.
    """

    session: Session
    authorization: str = ""
    renewed_cookies: CookiePair | None = None


def authenticate_request(request: HttpRequest) -> Authentication | None:
    """Return the authentication of a request, or None where it carries none.

    An Authorization header decides alone: raise BadToken when it is invalid. An expired or invalid
    cookie counts as none. Raise CrossSiteRequest for a write that another site's page makes with
    this browser's cookies, before the cookies are read, so that a refused request renews nothing.
    """
    header = request.headers.get("Authorization", "").strip()
    return _authenticate_header(header) if header else _authenticate_request_cookies(request)


def _authenticate_header(header: str) -> Authentication:
    scheme, _, rest = header.partition(" ")
    token = rest.strip()
    if scheme.lower() == "bearer" and token:
        return Authentication(authenticate_jwt(token, "bearer", "access"), header)
    if scheme.lower() == "token" and token:
        return Authentication(authenticate_api_token(token))
    if not rest and header.count(".") == 2:
        return Authentication(authenticate_jwt(header, "bearer", "access"), f"bearer {header}")
    raise BadToken("The Authorization header is in no known form.")


def _authenticate_request_cookies(request: HttpRequest) -> Authentication | None:
    access = request.COOKIES.get(ACCESS_COOKIE, "")
    refresh = request.COOKIES.get(REFRESH_COOKIE, "")
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
    if origin in settings.TRUSTED_ORIGINS and origin:
        return
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        is_cross_site = site not in {"same-origin", "none"}
    else:
        is_cross_site = bool(origin) and urlsplit(origin).netloc != request.get_host()
    if is_cross_site:
        raise CrossSiteRequest


def read_origin(request: HttpRequest) -> RequestOrigin:
    """Return the origin of a request.

    X-Forwarded-For is believed only as far as the proxies that TRUSTED_PROXIES counts wrote it.
    """
    user_agent = request.headers.get("User-Agent", "").replace("\0", "")
    return RequestOrigin(_client_ip(request), user_agent[:_MAX_USER_AGENT_LENGTH])


def _client_ip(request: HttpRequest) -> str | None:
    hops = [request.META.get("REMOTE_ADDR", "")]
    if settings.TRUSTED_PROXIES:
        hops = request.headers.get("X-Forwarded-For", "").split(",")[-settings.TRUSTED_PROXIES :]
    try:
        address = ip_address(hops[0].strip())
    except ValueError:
        return None
    # A dual-stack socket shows an IPv4 client as an IPv6 address (RFC 4291, section 2.5.5.2).
    return str(getattr(address, "ipv4_mapped", None) or address)
