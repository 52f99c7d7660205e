"""How a login and password become an account, for the contracts and the admin alike."""

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.http import HttpRequest

from accounts.exceptions import TooManyAttempts
from accounts.models import User
from accounts.names import login_key
from accounts.request_authentication import read_origin
from accounts.request_origin import RequestOrigin
from accounts.security_log import record_event, write_line
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
        try:
            with throttle_sign_in(username, origin) as attempt:
                user = self._check_password(username, password)
                attempt.succeeded = user is not None
        except TooManyAttempts:
            write_line("sign-in.throttled")
            raise
        if user is None:
            # Also of an unknown login, so that the time tells nothing. The login itself is left
            # out: it may be a password, typed into the wrong field.
            record_event("sign-in.refused", _account_of(username))
        return user

    def _check_password(self, login: str, password: str) -> User | None:
        try:
            user = User.objects.get_by_natural_key(login)
        except User.DoesNotExist:
            # It takes as many hashes as that of an account.
            user = User(password=UNUSABLE_PASSWORD_PREFIX)
        is_right = user.check_password(password)
        return user if is_right and self.user_can_authenticate(user) else None


def _account_of(login: str) -> UUID | None:
    found = User.objects.filter(username_key=login_key(login))
    return found.values_list("pk", flat=True).first()
