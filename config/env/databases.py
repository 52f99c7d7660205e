"""Turn DATABASE_URL into Django's DATABASES entry."""

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote

from django.core.exceptions import ImproperlyConfigured

from config.env.urls import parse_url

MAX_POOL_SIZE = 8


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
    options.setdefault("connect_timeout", 5)
    host = options.pop("host", parts.hostname or "")
    if pooled:
        options["pool"] = {"min_size": 1, "max_size": MAX_POOL_SIZE, "timeout": 10}
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


def _require_known_options(options: dict[str, Any]) -> None:
    # Loaded only where the database is PostgreSQL.
    from psycopg import ProgrammingError
    from psycopg.conninfo import make_conninfo

    # libpq itself would report an unknown option only at the first request.
    try:
        make_conninfo(**options)
    except ProgrammingError:
        raise ImproperlyConfigured("DATABASE_URL: PostgreSQL knows no such option.") from None
