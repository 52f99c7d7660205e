"""The two JWT cookies of a browser's session, set on a response and cleared from it."""

from django.conf import settings
from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers

from accounts.sessions import CookiePair

ACCESS_COOKIE = "access_token"
REFRESH_COOKIE = "refresh_token"


def set_token_cookies(response: HttpResponseBase, pair: CookiePair) -> None:
    """Set both cookies.

    The access cookie outlives the token in it: the browser goes on sending the expired token, and
    the service renews it.
    """
    for name, value in ((ACCESS_COOKIE, pair.access), (REFRESH_COOKIE, pair.refresh)):
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
    for name in (ACCESS_COOKIE, REFRESH_COOKIE):
        response.delete_cookie(name, samesite="Lax")
