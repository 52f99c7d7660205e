"""Turn DATABASE_URL into Django's DATABASES entry."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

POOL_SIZE_LARGEST = 8


def database(url: str, data_dir: Path, *, pooled: bool) -> dict[str, Any]:
    """Describe the database at `url`; without one, SQLite inside `data_dir`.

    Raises ImproperlyConfigured on any scheme but postgres, postgresql and sqlite.
    """
    if not url:
        return _sqlite(data_dir / "db.sqlite3")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(Path(parts.path))
    if parts.scheme in {"postgres", "postgresql"}:
        return _postgresql(url, pooled=pooled)
    raise ImproperlyConfigured("DATABASE_URL must start with postgres:// or sqlite://.")


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


def _postgresql(url: str, *, pooled: bool) -> dict[str, Any]:
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    options.setdefault("connect_timeout", 5)
    host = options.pop("host", parts.hostname or "")
    if pooled:
        options["pool"] = {"min_size": 1, "max_size": POOL_SIZE_LARGEST, "timeout": 10}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0 if pooled else None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }
