"""Which request the present work is done for; log lines, tasks and sandboxed processes bear it.

Needs the standard library alone, since sandboxed processes load it too.
"""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SANE = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
_NONE = "-"
_current: ContextVar[str] = ContextVar("request_id", default="")


def current_id() -> str:
    """Return the id of the request that is worked for, "" outside any."""
    return _current.get()


def new_id() -> str:
    """Make an id."""
    return uuid.uuid4().hex


def is_sane(text: str) -> bool:
    """Tell whether a text may be an id: short, and harmless in a log line and a header."""
    return _SANE.match(text) is not None


@contextmanager
def working_for(request_id: str) -> Iterator[str]:
    """Work for a request until the block ends."""
    token = _current.set(request_id)
    try:
        yield request_id
    finally:
        _current.reset(token)


def work_for(request_id: str) -> None:
    """Work for a request from now on, for callers without a block; "" ends it."""
    _current.set(request_id)


class RequestIdFilter(logging.Filter):
    """Puts the id on every log line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        record.request_id = _current.get() or _NONE
        return True
