"""Which session a request comes from, whatever way it carries its token."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from accounts.exceptions import BadToken, CrossSiteRequest
from accounts.models import Session
from accounts.renewal import sign_in_by_cookies
from accounts.sessions import CookiePair
from accounts.verification import session_of_api_token, session_of_jwt

ACCESS_COOKIE = "access_token"
REFRESH_COOKIE = "refresh_token"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class SignIn:
    """A request's live session; `token` is its JWT ("" for an API token)."""

    session: Session
    token: str = ""
    renewed: CookiePair | None = None


def sign_in_of(request: HttpRequest) -> SignIn | None:
    """Return the sign-in of a request, None where it carries none.

    An Authorization header decides alone: raises BadToken when it does not stand. A stale or
    invalid cookie counts as none. Raises CrossSiteRequest for a write that another site's page
    makes with this browser's cookies, before these are looked at: a refusal renews nothing.
    """
    header = request.headers.get("Authorization", "").strip()
    return _by_header(header) if header else _by_cookies(request)


def _by_header(header: str) -> SignIn:
    word, _, rest = header.partition(" ")
    token = rest.strip()
    if word.lower() == "bearer" and token:
        return SignIn(session_of_jwt(token, "bearer", "access"), token)
    if word.lower() == "token" and token:
        return SignIn(session_of_api_token(token))
    if not rest and header.count(".") == 2:
        return SignIn(session_of_jwt(header, "bearer", "access"), header)
    raise BadToken("The Authorization header is in no form known here.")


def _by_cookies(request: HttpRequest) -> SignIn | None:
    access = request.COOKIES.get(ACCESS_COOKIE, "")
    refresh = request.COOKIES.get(REFRESH_COOKIE, "")
    if not access and not refresh:
        return None
    if request.method not in _SAFE_METHODS:
        refuse_cross_site(request)
    try:
        found = sign_in_by_cookies(access, refresh)
    except BadToken:
        return None
    return SignIn(found.session, found.renewed.access if found.renewed else access, found.renewed)


def refuse_cross_site(request: HttpRequest) -> None:
    """Raise CrossSiteRequest when a page of another site sends this request.

    Fetch Metadata (W3C) decides, else Origin; a request with neither comes from no browser.
    """
    origin = request.headers.get("Origin", "")
    if origin in settings.TRUSTED_ORIGINS and origin:
        return
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        foreign = site not in {"same-origin", "none"}
    else:
        foreign = bool(origin) and urlsplit(origin).netloc != request.get_host()
    if foreign:
        raise CrossSiteRequest
