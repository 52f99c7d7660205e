"""How a login and password become an account, for the contracts and the admin alike."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.request_authentication import read_origin
from accounts.request_origin import RequestOrigin
from accounts.throttling import throttle_sign_in


class LoginBackend(ModelBackend):
    """Django's backend with a throttle; an unknown login costs as much time as a wrong password."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        origin: RequestOrigin | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the account, or None; raise TooManyAttempts before any password is hashed.

        Services pass `origin`; Django's own views, such as the admin's login, pass `request`.
        """
        if not username or password is None or "\0" in username:
            return None
        if origin is None:
            origin = read_origin(request) if request is not None else RequestOrigin()
        with throttle_sign_in(username, origin) as attempt:
            user = super().authenticate(request, username, password, **kwargs)
            attempt.succeeded = user is not None
        return user if isinstance(user, User) else None
