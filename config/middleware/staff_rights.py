"""Lets the rights of staff rest in the admin's sessions, as `accounts.token_authentication` does.

It stands behind django-otp's middleware, which says of a session by which device a code was given.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import SimpleLazyObject

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def staff_rights_middleware(get_response: GetResponse) -> GetResponse:
    """Look at the session only where somebody asks who is signed in."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.user = SimpleLazyObject(partial(_with_rights, request.user))  # type: ignore[assignment]  # it stands for a user
        return get_response(request)

    return middleware


def _with_rights(user: Any) -> Any:
    # It needs the models, which are loaded after the settings name this module.
    from accounts.staff_rights import is_factor_required

    if user.is_authenticated and is_factor_required() and not user.is_verified():
        user.rest_rights()
    return user
