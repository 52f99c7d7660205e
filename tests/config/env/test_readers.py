"""Settings refuse bad values with one clear line."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env.databases import database_config
from config.env.readers import (
    env_bool,
    env_int,
    env_list,
    env_secret,
    env_str,
    load_or_create_secret,
)


def test_a_number_is_read(monkeypatch):
    monkeypatch.setenv("N", "7")
    assert env_int("N", 1) == 7
    assert env_int("MISSING", 1) == 1


@pytest.mark.parametrize("text", ["x", "1.5", "-1", "11"])
def test_a_bad_number_is_refused(monkeypatch, text):
    monkeypatch.setenv("N", text)
    with pytest.raises(ImproperlyConfigured, match="N must be"):
        env_int("N", 1, max=10)


@pytest.mark.parametrize(
    ("text", "value"), [("on", True), ("TRUE", True), ("0", False), ("no", False), ("", True)]
)
def test_yes_and_no_are_read(monkeypatch, text, value):
    monkeypatch.setenv("B", text)
    assert env_bool("B", default=True) is value


def test_a_bad_yes_or_no_is_refused(monkeypatch):
    monkeypatch.setenv("B", "maybe")
    with pytest.raises(ImproperlyConfigured, match="B must be on or off"):
        env_bool("B", default=True)


def test_a_choice_is_kept_to(monkeypatch):
    monkeypatch.setenv("C", "other")
    with pytest.raises(ImproperlyConfigured, match="C must be one of a, b"):
        env_str("C", "a", choices=("a", "b"))


def test_a_list_drops_blanks(monkeypatch):
    monkeypatch.setenv("L", "a, ,b,")
    assert env_list("L") == ["a", "b"]


def test_a_secret_comes_from_a_file_too(monkeypatch, tmp_path):
    (tmp_path / "s").write_text("hush\n")
    monkeypatch.setenv("S_FILE", str(tmp_path / "s"))
    assert env_secret("S") == "hush"
    monkeypatch.setenv("S", "also")
    with pytest.raises(ImproperlyConfigured, match="not both"):
        env_secret("S")


def test_an_unreadable_secret_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("S_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="S_FILE cannot be read"):
        env_secret("S")


def test_a_load_or_create_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    path = tmp_path / "new" / "secret"
    first = load_or_create_secret(path)
    assert load_or_create_secret(path) == first
    assert len(first) >= 50
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]


def test_a_load_or_create_secret_outlasts_a_power_cut(tmp_path, flushed):
    """Its bytes before its name: else the name could lead to an empty file."""
    path = tmp_path / "new" / "secret"
    load_or_create_secret(path)
    draft = flushed.pop(1)
    assert draft.name.startswith("secret.")
    assert flushed == [tmp_path, path.parent]


def test_a_database_is_described(tmp_path):
    found = database_config(
        "postgres://u:p%40ss@db:5433/pics?sslmode=require", tmp_path, pooled=False
    )
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"], found["NAME"]) == (
        "u", "p@ss", "db", "5433", "pics"
    )  # fmt: skip
    assert found["OPTIONS"]["sslmode"] == "require"
    assert database_config("", tmp_path, pooled=False)["NAME"] == tmp_path / "db.sqlite3"
    with pytest.raises(ImproperlyConfigured):
        database_config("mysql://x", tmp_path, pooled=False)
