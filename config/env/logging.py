"""How log lines look: for people, or as one JSON object each."""

import logging
import re
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS

from config.env.readers import env_level, env_str

LOG_FORMAT = env_str("LOG_FORMAT", "line", choices=("line", "json"))
_LINE = {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}
_JSON: dict[str, Any] = {
    "()": "pythonjsonlogger.json.JsonFormatter",
    "fmt": "levelname,name,message,request_id,process",
    "style": ",",
    "timestamp": "time",
    "rename_fields": {"levelname": "level", "name": "logger"},
    # Django hangs the whole request onto a record: its address may hold a link's token.
    "reserved_attrs": [*RESERVED_ATTRS, "request", "server_time"],
}
# The servers bring handlers of their own; theirs must not be the only lines of another shape.
_SERVERS = ("uvicorn", "uvicorn.error", "_granian")
# An expiring link opens for whoever reads it.
_LINK = re.compile("^/l/.+")


class LinkFilter(logging.Filter):
    """Leaves the token out of a link's path, which Django's lines about a request hold."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep every record."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                _LINK.sub("/l/…", each) if isinstance(each, str) else each for each in record.args
            )
        return True


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "lib.request_id.RequestIdFilter"},
        "link": {"()": "config.env.logging.LinkFilter"},
    },
    "formatters": {"chosen": _JSON if LOG_FORMAT == "json" else _LINE},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "chosen",
            "filters": ["request_id", "link"],
        }
    },
    "root": {"handlers": ["console"], "level": env_level("LOG_LEVEL", "INFO")},
    # A refused request is the client's news, and a flood of them must not fill disks.
    "loggers": {
        "django.request": {"level": "ERROR"},
        # A line or two for each task; the tasks say what matters.
        "celery": {"level": "WARNING"},
        "pyvips": {"level": "WARNING"},
        "pika": {"level": "WARNING"},
        **{name: {"handlers": [], "propagate": True} for name in _SERVERS},
        # The proxy in front writes the access log.
        "uvicorn.access": {"handlers": [], "propagate": False},
    },
}
