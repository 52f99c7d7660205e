"""The signed-in account, if any, for views that need none."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers

from accounts.cookies import set_token_cookies
from accounts.exceptions import BadToken
from accounts.models import User
from accounts.request_authentication import Authentication, authenticate_request

View = Callable[..., HttpResponseBase]


def for_viewer(view: View) -> View:
    """Pass the viewer (None: not signed in) to a view, after the request.

    The response varies with the headers that sign a viewer in. Cookies that were renewed are set on
    it, and then no shared cache may store it.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        sign_in = _sign_in(request)
        viewer: User | None = sign_in.session.user if sign_in else None
        response = view(request, viewer, **parts)
        patch_vary_headers(response, ["Authorization", "Cookie"])
        if sign_in and sign_in.renewed_cookies:
            set_token_cookies(response, sign_in.renewed_cookies)
            response["Cache-Control"] = "private, no-cache"
        return response

    return wrapper


def _sign_in(request: HttpRequest) -> Authentication | None:
    """Return None for an invalid token: its bearer sees what anyone may see.

    Raise MissingScope for a token that may not read, which Django answers with a 403.
    """
    try:
        return authenticate_request(request)
    except BadToken:
        return None
