"""Logging: lines for people, or one JSON object per line."""

import logging
import re
import threading
import time
from collections import Counter
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS

from config.env.readers import env_log_level, env_str

LOG_FORMAT = env_str("LOG_FORMAT", "line", choices=("line", "json"))
_LINE: dict[str, Any] = {
    "()": "config.env.logging.LineFormatter",
    "fmt": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
}
_JSON: dict[str, Any] = {
    "()": "pythonjsonlogger.json.JsonFormatter",
    "fmt": "levelname,name,message,request_id,process",
    "style": ",",
    "timestamp": "time",
    "rename_fields": {"levelname": "level", "name": "logger"},
    # Django adds the whole request to a record, and its URL may hold a link's token.
    "reserved_attrs": [*RESERVED_ATTRS, "request", "server_time"],
}
# Servers that bring handlers of their own; their lines get the same format as all others.
_SERVER_LOGGERS = ("uvicorn", "uvicorn.error", "_granian")
# Kinds of the security log of which there may be as many as requests (accounts.security_log).
_REFUSALS = frozenset({"second-factor.refused", "sign-in.refused", "sign-in.throttled"})
# A log must not hold the token of a link, which opens for whoever reads it.
_TOKEN_PATHS = ("/l/", "/join/", "/reset/", "/verify/", "/api/user/invitations/")
_LINK_PATH = re.compile(f"^({'|'.join(_TOKEN_PATHS)}).+")


class LinkFilter(logging.Filter):
    """Removes the token from link paths in the arguments of log records."""

    def filter(self, record: logging.LogRecord) -> bool:
        arguments = record.args
        if isinstance(arguments, tuple):
            # In most lines nothing is to be replaced.
            for each in arguments:
                if isinstance(each, str) and each.startswith(_TOKEN_PATHS):
                    record.args = tuple(map(_without_token, arguments))
                    break
        return True


def _without_token(argument: object) -> object:
    return without_token(argument) if isinstance(argument, str) else argument


def without_token(text: str) -> str:
    """Return a text as it may stand in a log: a path that bears a token without it."""
    return _LINK_PATH.sub(r"\1…", text) if text.startswith(_TOKEN_PATHS) else text


class LineFormatter(logging.Formatter):
    """Writes lines as the library does, for half of what it costs.

    The date and time of each second are written once, and most lines have nothing below them.
    """

    _written = (-1, "")

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info or record.exc_text or record.stack_info:
            return super().format(record)
        record.message = record.getMessage()
        record.asctime = self.formatTime(record, self.datefmt)
        return self.formatMessage(record)

    def formatTime(  # noqa: N802 (the library's name)
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        return self.date(record.created, datefmt)

    def date(self, created: float, datefmt: str | None = None) -> str:
        """Return what `formatTime` does of a record that was made then."""
        second, text = self._written
        if second != int(created):
            second = int(created)
            text = time.strftime(datefmt or self.default_time_format, self.converter(second))
            self._written = second, text
        return text if datefmt else f"{text},{int(created % 1 * 1000):03d}"


class FloodFilter(logging.Filter):
    """Lets one line a second of each kind through, of those that strangers cause without end.

    What was left out is counted in the next line of its kind.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}
        self._left_out: Counter[str] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        kind = self._kind(record)
        if not kind:
            return True
        now = time.monotonic()
        with self._lock:
            if now < self._until.get(kind, 0):
                self._left_out[kind] += 1
                return False
            self._until[kind] = now + 1
            left_out = self._left_out.pop(kind, 0)
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more left out)", ()
        return True

    @staticmethod
    def _kind(record: logging.LogRecord) -> str:
        """Return what a record is counted as; "" for what no stranger causes at will."""
        if record.name.startswith("django.security"):
            return record.name
        first = record.args[0] if isinstance(record.args, tuple) and record.args else ""
        if record.name == "tintype.security" and first in _REFUSALS:
            return str(first)
        return record.name if record.name == "api.errors" else ""


class OutageFilter(logging.Filter):
    """Bounds what a part that is away causes: no traceback, and no warning twice in a minute.

    Warnings are alike where logger and text are, whatever is put into the text. Those that were
    left out are counted in the next.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._until: dict[tuple[str, str], float] = {}
        self._left_out: Counter[tuple[str, str]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        is_outage = error is not None and _is_of_a_part(error)
        if is_outage:
            text = f"{record.getMessage()}: {type(error).__name__}"
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.msg, record.args = text, ()
            record.exc_info = record.exc_text = None
        elif getattr(record, "status_code", 0) == _UNAVAILABLE and record.name == "django.request":
            # The line of the request says so, and that of the part says why.
            return False
        if record.levelno != logging.WARNING and record.name not in _REPEATED:
            return True
        kind = (record.name, type(error).__name__ if is_outage else str(record.msg))
        return self._is_first(record, kind)

    def _is_first(self, record: logging.LogRecord, kind: tuple[str, str]) -> bool:
        now = time.monotonic()
        with self._lock:
            if now < self._until.get(kind, 0):
                self._left_out[kind] += 1
                return False
            if len(self._until) > _MAX_KINDS:
                self._until.clear()
            self._until[kind] = now + _MINUTE
            left_out = self._left_out.pop(kind, 0)
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more left out)", ()
        return True


_MINUTE, _MAX_KINDS = 60.0, 1000
_UNAVAILABLE = 503
# Libraries that say at ERROR, again and again, that their server is away.
_REPEATED = frozenset({"celery.beat", "celery.worker.consumer.consumer", "celery.app.trace"})
_PART_PACKAGES = frozenset({"amqp", "kombu", "pika", "psycopg", "psycopg_pool", "redis"})


def _is_of_a_part(error: BaseException) -> bool:
    # It needs Django, which is loaded by the time that something fails.
    from images.storage.outages import is_outage

    is_of_library = type(error).__module__.partition(".")[0] in _PART_PACKAGES
    return is_of_library or isinstance(error, (ConnectionError, TimeoutError)) or is_outage(error)


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "lib.request_id.RequestIdFilter"},
        "link": {"()": "config.env.logging.LinkFilter"},
        "flood": {"()": "config.env.logging.FloodFilter"},
        "outage": {"()": "config.env.logging.OutageFilter"},
    },
    "formatters": {"selected": _JSON if LOG_FORMAT == "json" else _LINE},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "selected",
            "filters": ["flood", "outage", "request_id", "link"],
        },
        # It has a line for each request, which none of those filters would hold back, and which
        # bears its id and no token as it is made (config.middleware.request_log).
        "requests": {"class": "lib.line_buffer.LineBuffer", "formatter": "selected"},
    },
    "root": {"handlers": ["console"], "level": env_log_level("LOG_LEVEL", "INFO")},
    "loggers": {
        # A line for each request, by whatever handler there is, and by no other.
        "tintype.requests": {"handlers": ["requests"], "propagate": False},
        # The request's own line says what was refused and why.
        "django.request": {"level": "ERROR"},
        # What they say of a server that is away, the part's own line says once.
        "psycopg.pool": {"level": "ERROR"},
        "kombu.transport.native_delayed_delivery": {"level": "ERROR"},
        # Celery logs every task; our tasks log what matters themselves.
        "celery": {"level": "WARNING"},
        "pyvips": {"level": "WARNING"},
        "pika": {"level": "WARNING"},
        **{name: {"handlers": [], "propagate": True} for name in _SERVER_LOGGERS},
        # Each request has its line already.
        "uvicorn.access": {"handlers": [], "propagate": False},
    },
}
