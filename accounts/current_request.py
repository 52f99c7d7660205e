"""The request that is being handled: who acts, and from where, for what is recorded of it.

Services take no request; what they do is recorded all the same with whoever asked for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest

from accounts.models import User
from accounts.request_authentication import read_origin
from accounts.request_origin import RequestOrigin

_current: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


@contextmanager
def use_request(request: HttpRequest) -> Iterator[None]:
    """Let the request be the current one until the block ends."""
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)


def current_origin() -> RequestOrigin:
    """Return where the request comes from; unknown outside any, as in commands."""
    request = _current.get()
    return read_origin(request) if request else RequestOrigin()


def current_actor() -> User | None:
    """Return who is signed in to the contract or the admin, if anybody."""
    user = getattr(_current.get(), "user", None)
    return user if isinstance(user, User) else None
