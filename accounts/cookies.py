"""The two JWT cookies on an answer."""

from django.conf import settings
from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers

from accounts.requests import ACCESS_COOKIE, REFRESH_COOKIE
from accounts.sessions import CookiePair


def set_token_cookies(response: HttpResponseBase, pair: CookiePair) -> None:
    """Set both; the access cookie outlives its token, so that an expired one asks for renewal."""
    lifetime = settings.COOKIE_REFRESH_LIFETIME
    for name, value in ((ACCESS_COOKIE, pair.access), (REFRESH_COOKIE, pair.refresh)):
        response.set_cookie(
            name,
            value,
            max_age=lifetime,
            httponly=True,
            samesite="Lax",
            secure=settings.TOKEN_COOKIES_SECURE,
        )
    patch_vary_headers(response, ["Cookie"])


def clear_token_cookies(response: HttpResponseBase) -> None:
    """Have the browser forget both."""
    for name in (ACCESS_COOKIE, REFRESH_COOKIE):
        response.delete_cookie(name, samesite="Lax")
