"""One line for each request, with what was wrong with a refused one.

Written by a handler of its own, beside what the request itself has to say (`config.env.logging`).
"""

import logging
import os
import time
from functools import cache
from typing import Any, Protocol, cast

from config.env.logging import LineFormatter, without_token
from lib.line_buffer import LineBuffer
from lib.request_id import current_request_id

logger = logging.getLogger("tintype.requests")
# What machines ask every few seconds, and a page's many files: their lines would hide the others.
_QUIET = ("/healthz", "/readyz", "/metrics", "/static/")
_MAX_REASON_LENGTH = 200
# Bears the reason from where the response is made; nothing of it is sent.
REFUSAL = "_refusal"


def log_request(method: str, path: str, status: int, started: float, refusal: str = "") -> None:
    """Write the line of a request whose response begins now; `started` is `perf_counter`'s.

    Without the query, which may hold a signature, and without the token of a link.
    """
    level = logging.DEBUG if path.startswith(_QUIET) else logging.INFO
    if not logger.isEnabledFor(level):
        return
    milliseconds = (time.perf_counter() - started) * 1000
    reason = f": {_in_one_line(refusal)}" if refusal else ""
    path = without_token(path)
    if level == logging.INFO and (handler := _sole_handler()):
        date = handler.formatter.date(time.time())
        line = f"{method} {path} {status} {milliseconds:.0f} ms{reason}"
        handler.keep(f"{date} INFO {logger.name} [{current_request_id()}] {line}")
        return
    record = _make_record(level, (method, path, status, milliseconds, reason))
    record.status, record.milliseconds = status, round(milliseconds, 1)
    logger.handle(record)


class _SoleHandler(Protocol):
    formatter: LineFormatter

    def keep(self, line: str) -> None: ...


def _sole_handler() -> _SoleHandler | None:
    """Return the handler where lines are written as usual, by no other beside it.

    It is given the line that it would make of a record, for a third of what that costs.
    """
    if len(logger.handlers) != 1 or logger.propagate:
        return None
    [handler] = logger.handlers
    is_usual = isinstance(handler, LineBuffer) and isinstance(handler.formatter, LineFormatter)
    return cast("_SoleHandler", handler) if is_usual else None


_LINE = "%s %s %d %.0f ms%s"
# What all records of lines have: no line tells where in the code it was written.
_ALIKE = {
    **vars(logging.LogRecord(logger.name, logging.INFO, __file__, 0, _LINE, (), None)),
    "thread": None,
    "threadName": None,
}


def _make_record(level: int, arguments: tuple[object, ...]) -> Any:
    """Return what `logger.makeRecord` does, for a quarter of what it costs."""
    record = logging.LogRecord.__new__(logging.LogRecord)
    created = time.time()
    record.__dict__ = {
        **_ALIKE,
        "args": arguments,
        "created": created,
        "msecs": created % 1 * 1000,
        "process": _pid(),
        "request_id": current_request_id(),
    }
    if level != logging.INFO:
        record.levelno, record.levelname = level, logging.getLevelName(level)
    return record


# Asked of the system it takes as long as the rest of a record.
_pid = cache(os.getpid)
os.register_at_fork(after_in_child=_pid.cache_clear)


def _in_one_line(text: str) -> str:
    """Return a text that may hold what a stranger sent, without what ends or hides a line."""
    printable = "".join(each if each.isprintable() else "�" for each in text)
    return printable[:_MAX_REASON_LENGTH]
