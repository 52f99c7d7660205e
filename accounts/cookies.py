"""The two JWT cookies of a browser's session: how they are named, read, set and cleared."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponseBase
from django.http.cookie import parse_cookie
from django.utils.cache import patch_vary_headers

# What the contract calls them.
_ACCESS_COOKIE, _REFRESH_COOKIE = "access_token", "refresh_token"
# Values of one name that are tried: each costs the check of a signature.
_MAX_VALUES = 10


@dataclass(frozen=True, slots=True)
class CookiePair:
    """The two JWT cookies of a browser's session."""

    access: str
    refresh: str


def access_cookie() -> str:
    """Return the name of the access cookie."""
    return cookie_prefix() + _ACCESS_COOKIE


def refresh_cookie() -> str:
    """Return the name of the refresh cookie."""
    return cookie_prefix() + _REFRESH_COOKIE


def cookie_prefix() -> str:
    """Return what the name of each of our cookies begins with."""
    # Browsers take a cookie of this prefix from the host itself alone, over HTTPS alone, so that no
    # neighbour on another subdomain, port or plain HTTP can set one (RFC 6265bis, section 4.1.3.2).
    return "__Host-" if settings.TOKEN_COOKIES_SECURE else ""


def cookie_values(header: str, name: str) -> list[str]:
    """Return every value that a Cookie header has for a name, in its order.

    `request.COOKIES` has the last alone, which may be that of another service on this host.
    """
    parts = [part for part in header.split(";") if part.partition("=")[0].strip() == name]
    values = [parse_cookie(part).get(name) for part in parts]
    return [value for value in values if value][:_MAX_VALUES]


def set_token_cookies(response: HttpResponseBase, pair: CookiePair) -> None:
    """Set both cookies.

    The access cookie outlives the token in it: the browser goes on sending the expired token, and
    the service renews it.
    """
    for name, value in ((access_cookie(), pair.access), (refresh_cookie(), pair.refresh)):
        response.set_cookie(
            name,
            value,
            max_age=settings.COOKIE_REFRESH_LIFETIME,
            httponly=True,
            samesite="Lax",
            secure=settings.TOKEN_COOKIES_SECURE,
        )
    patch_vary_headers(response, ["Cookie"])


def clear_token_cookies(response: HttpResponseBase) -> None:
    for name in (access_cookie(), refresh_cookie()):
        response.delete_cookie(name, samesite="Lax")
