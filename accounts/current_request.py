"""The request that is being handled: who acts, and from where, and what is recorded of it.

Services take no request; what they do is recorded all the same with whoever asked for it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.http import HttpRequest

from accounts.models import User
from accounts.request_authentication import read_origin
from accounts.request_origin import RequestOrigin

Write = Callable[[Sequence[Any]], None]
_current: ContextVar[HttpRequest | None] = ContextVar("request", default=None)
# What is written of the request when it is over, by the function that writes it.
_recorded: ContextVar[dict[Write, list[Any]] | None] = ContextVar("recorded", default=None)


@contextmanager
def use_request(request: HttpRequest) -> Iterator[None]:
    """Let the request be the current one until the block ends; then write what was added to it."""
    recorded: dict[Write, list[Any]] = {}
    token, token_of_recorded = _current.set(request), _recorded.set(recorded)
    try:
        yield
    finally:
        _current.reset(token)
        _recorded.reset(token_of_recorded)
        for write, entries in recorded.items():
            write(entries)


def add_to_request(entry: Any, write: Write) -> None:
    """Have an entry written with the request's others by the same function; at once outside any."""
    recorded = _recorded.get()
    if recorded is None:
        write([entry])
    else:
        recorded.setdefault(write, []).append(entry)


def current_origin() -> RequestOrigin:
    """Return where the request comes from; unknown outside any, as in commands."""
    request = _current.get()
    return read_origin(request) if request else RequestOrigin()


def current_actor() -> User | None:
    """Return who is signed in to the contract or the admin, if anybody."""
    user = getattr(_current.get(), "user", None)
    return user if isinstance(user, User) else None
