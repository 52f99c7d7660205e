"""The id of the request that is being handled, for log lines, tasks and sandboxed processes.

Imports only the standard library, since sandboxed processes load it too.
"""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_VALID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
_NONE = "-"
_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Return the id of the request that is being handled, "" outside any."""
    return _current.get()


def new_request_id() -> str:
    return uuid.uuid4().hex


def is_valid_request_id(text: str) -> bool:
    """Tell whether a text is short, and harmless in a log line and a header."""
    return _VALID.match(text) is not None


@contextmanager
def use_request_id(request_id: str) -> Iterator[str]:
    """Set the id until the block ends."""
    token = _current.set(request_id)
    try:
        yield request_id
    finally:
        _current.reset(token)


def set_request_id(request_id: str) -> None:
    """Set the id from now on, for callers without a block; "" removes it."""
    _current.set(request_id)


class RequestIdFilter(logging.Filter):
    """Adds the id to every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = _current.get() or _NONE
        return True
