"""How a login and password become an account, for the doors and the admin alike."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.request_origin import Client, client_of
from accounts.throttling import sign_in_attempt


class LoginBackend(ModelBackend):
    """Django's backend, throttled; an unknown login costs a hash as a wrong password does."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the account or None; raises TooManyAttempts before anything is hashed."""
        if not username or password is None or "\0" in username:
            return None
        client = client_of(request) if request is not None else Client()
        with sign_in_attempt(username, client) as attempt:
            user = super().authenticate(request, username, password, **kwargs)
            attempt.succeeded = user is not None
        return user if isinstance(user, User) else None
