"""Environment variables become typed values, or an error of one line."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env.readers import (
    env_bool,
    env_int,
    env_list,
    env_secret,
    env_str,
    load_or_create_secret,
)


def test_a_number_is_read_or_its_default_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("N", "7")
    assert env_int("N", 1) == 7
    assert env_int("MISSING", 1) == 1


@pytest.mark.parametrize("text", ["x", "1.5", "-1", "11"])
def test_a_number_that_is_invalid_or_out_of_range_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("N", text)
    with pytest.raises(ImproperlyConfigured, match="N must be"):
        env_int("N", 1, max=10)


@pytest.mark.parametrize(
    ("text", "value"), [("on", True), ("TRUE", True), ("0", False), ("no", False), ("", True)]
)
def test_a_boolean_is_read_in_any_usual_spelling(
    monkeypatch: pytest.MonkeyPatch, text: str, value: bool
) -> None:
    monkeypatch.setenv("B", text)
    assert env_bool("B", default=True) is value


def test_an_invalid_boolean_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("B", "maybe")
    with pytest.raises(ImproperlyConfigured, match="B must be on or off"):
        env_bool("B", default=True)


def test_a_value_outside_the_choices_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C", "other")
    with pytest.raises(ImproperlyConfigured, match="C must be one of a, b"):
        env_str("C", "a", choices=("a", "b"))


def test_empty_items_of_a_list_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("L", "a, ,b,")
    assert env_list("L") == ["a", "b"]


def test_a_secret_may_come_from_a_file_but_not_from_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "s").write_text("hush\n")
    monkeypatch.setenv("S_FILE", str(tmp_path / "s"))
    assert env_secret("S") == "hush"
    monkeypatch.setenv("S", "also")
    with pytest.raises(ImproperlyConfigured, match="not both"):
        env_secret("S")


def test_an_unreadable_secret_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("S_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="S_FILE cannot be read"):
        env_secret("S")


def test_a_secret_is_created_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    first = load_or_create_secret(path)
    assert load_or_create_secret(path) == first
    assert len(first) >= 50
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]


def test_a_created_secret_survives_a_power_cut(tmp_path: Path, flushed: list[Path]) -> None:
    """Its bytes before its name: else the name could lead to an empty file."""
    path = tmp_path / "new" / "secret"
    load_or_create_secret(path)
    draft = flushed.pop(1)
    assert draft.name.startswith("secret.")
    assert flushed == [tmp_path, path.parent]
