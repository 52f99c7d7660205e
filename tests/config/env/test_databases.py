"""Django's settings of the database that DATABASE_URL names."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env.databases import database_config


def test_a_postgresql_url_becomes_its_parts_and_options(tmp_path: Path) -> None:
    config = database_config(
        "postgres://u:p%40ss@db:5433/pics?sslmode=require", tmp_path, pooled=False
    )
    parts = [config[name] for name in ("USER", "PASSWORD", "HOST", "PORT", "NAME")]
    assert parts == ["u", "p@ss", "db", "5433", "pics"]
    assert config["OPTIONS"]["sslmode"] == "require"


def test_the_database_without_a_url_is_sqlite_in_the_data_folder(tmp_path: Path) -> None:
    assert database_config("", tmp_path, pooled=False)["NAME"] == tmp_path / "db.sqlite3"


def test_another_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured):
        database_config("mysql://x", tmp_path, pooled=False)
