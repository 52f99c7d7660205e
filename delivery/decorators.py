"""Who looks at a page that anyone may ask for."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers

from accounts.cookies import set_token_cookies
from accounts.exceptions import BadToken
from accounts.models import User
from accounts.requests import SignIn, sign_in_of

Page = Callable[..., HttpResponseBase]


def for_viewer(view: Page) -> Page:
    """Hand a view the account that is looking (None: nobody known) after the request.

    The answer may differ from viewer to viewer, so caches are told; cookies renewed on the way go
    with it, and then no shared cache may keep it.
    """

    @wraps(view)
    def answer(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        sign_in = _sign_in(request)
        viewer: User | None = sign_in.session.user if sign_in else None
        response = view(request, viewer, **parts)
        patch_vary_headers(response, ["Authorization", "Cookie"])
        if sign_in and sign_in.renewed:
            set_token_cookies(response, sign_in.renewed)
            response["Cache-Control"] = "private, no-cache"
        return response

    return answer


def _sign_in(request: HttpRequest) -> SignIn | None:
    """A token that does not stand shows what anyone may see."""
    try:
        return sign_in_of(request)
    except BadToken:
        return None
