"""Turn DATABASE_URL into Django's DATABASES entry."""

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo

from config.env.urls import split

POOL_SIZE_LARGEST = 8


def database(url: str, data_dir: Path, *, pooled: bool) -> dict[str, Any]:
    """Describe the database at `url`; without one, SQLite inside `data_dir`.

    Raises ImproperlyConfigured on any scheme but postgres, postgresql and sqlite, and on what
    psycopg would refuse at the first query.
    """
    if not url:
        return _sqlite(data_dir / "db.sqlite3")
    parts = split("DATABASE_URL", url, "postgres", "postgresql", "sqlite")
    if parts.path in {"", "/"}:
        raise ImproperlyConfigured("DATABASE_URL must end in the name of a database.")
    if parts.scheme == "sqlite":
        return _sqlite(Path(parts.path))
    return _postgresql(parts, pooled=pooled)


def _sqlite(path: Path) -> dict[str, Any]:
    """WAL lets readers go on beside a writer; IMMEDIATE makes a writer wait instead of failing."""
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
    _require_known(options)
    options.setdefault("connect_timeout", 5)
    host = options.pop("host", parts.hostname or "")
    if pooled:
        options["pool"] = {"min_size": 1, "max_size": POOL_SIZE_LARGEST, "timeout": 10}
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


def _require_known(options: dict[str, Any]) -> None:
    """What libpq does not know would come to light in the first request only."""
    try:
        make_conninfo(**options)
    except ProgrammingError:
        raise ImproperlyConfigured("DATABASE_URL: PostgreSQL knows no such option.") from None
