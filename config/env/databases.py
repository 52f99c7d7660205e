"""Turn DATABASE_URL into Django's DATABASES entry."""

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote

from django.core.exceptions import ImproperlyConfigured

from config.env.process import IS_COMMAND
from config.env.readers import env_int
from config.env.urls import parse_url

MAX_POOL_SIZE = 8
# A request waits so long for a connection of the pool, in seconds.
_POOL_TIMEOUT = 4
# Of one statement, in seconds: the server ends what takes longer. Commands take their time.
STATEMENT_SECONDS = env_int("STATEMENT_SECONDS", 60, min=1, max=86_400)
# Whoever waits longer for another's lock gives up, and may come again.
LOCK_SECONDS = 5
# A process that stands still must not keep others from what it locked.
_IDLE_IN_TRANSACTION_SECONDS = 60
# A peer that is gone without a word is noticed within ten seconds, unless the URL says otherwise.
_NETWORK = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 9000,
}


def database_config(url: str, data_dir: Path, *, pooled: bool) -> dict[str, Any]:
    """Return Django's settings of the database at `url`, or of SQLite in `data_dir` without one.

    Raise ImproperlyConfigured for a scheme other than postgres, postgresql and sqlite, and for
    options that psycopg would refuse at the first query.
    """
    if not url:
        return _sqlite(data_dir / "db.sqlite3")
    parts = parse_url("DATABASE_URL", url, "postgres", "postgresql", "sqlite")
    if parts.path in {"", "/"}:
        raise ImproperlyConfigured("DATABASE_URL must end in the name of a database.")
    if parts.scheme == "sqlite":
        return _sqlite(Path(parts.path))
    return _postgresql(parts, pooled=pooled)


def _sqlite(path: Path) -> dict[str, Any]:
    # WAL lets readers go on beside a writer; IMMEDIATE makes a writer wait instead of failing.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }


def _postgresql(parts: SplitResult, *, pooled: bool) -> dict[str, Any]:
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    _require_known_options(options)
    options = _NETWORK | options
    if timeouts := f"{_server_timeouts()} {options.get('options', '')}".strip():
        options["options"] = timeouts
    host = options.pop("host", parts.hostname or "")
    if pooled:
        options["pool"] = _pool_options()
    return {
        "ENGINE": "config.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0 if pooled else None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def _server_timeouts() -> str:
    """Return the options by which a session of PostgreSQL bounds its own statements."""
    if IS_COMMAND:
        return ""
    seconds = {
        "statement_timeout": STATEMENT_SECONDS,
        "lock_timeout": LOCK_SECONDS,
        "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_SECONDS,
    }
    return " ".join(f"-c {name}={each}s" for name, each in seconds.items())


def _pool_options() -> dict[str, Any]:
    # Loaded only where the database is PostgreSQL.
    from config.postgresql.silence import WatchedConnection, look_at_database

    return {
        "connection_class": WatchedConnection,
        "min_size": 1,
        "max_size": MAX_POOL_SIZE,
        "timeout": _POOL_TIMEOUT,
        # A connection that cannot be made is given up, and made when next asked for.
        "reconnect_timeout": 1,
        "reconnect_failed": look_at_database,
    }


def _require_known_options(options: dict[str, Any]) -> None:
    # Loaded only where the database is PostgreSQL.
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo

    # libpq itself would report an unknown option only at the first request.
    try:
        make_conninfo(**options)
    except ProgrammingError:
        raise ImproperlyConfigured("DATABASE_URL: PostgreSQL knows no such option.") from None
