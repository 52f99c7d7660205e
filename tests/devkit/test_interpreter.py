"""Which Python `./dev` runs under."""

import os
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit.interpreter import NEWEST_TESTED, OLDEST, require_supported
from tests.processes import ROOT


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that puts Pythons on PATH: those that answer, and one that does not."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(*minors: int, broken: int | None = None) -> None:
        for minor in {*minors, broken} - {None}:
            program = tmp_path / f"python3.{minor}"
            program.write_text(f"#!/bin/sh\nexit {int(minor == broken)}\n")
            program.chmod(0o755)

    return put


@pytest.fixture
def restarted(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    calls: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, words: calls.append([path, *words]))
    monkeypatch.setattr(sys, "argv", ["dev", "run"])
    return calls


def this_is(monkeypatch: pytest.MonkeyPatch, minor: int) -> None:
    monkeypatch.setattr(sys, "version_info", (3, minor, 0, "final", 0))


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_a_tested_python_is_used_silently(
    minor: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    restarted: list[list[str]],
) -> None:
    this_is(monkeypatch, minor)
    require_supported("dev")
    assert (restarted, capsys.readouterr().err) == ([], "")


def test_a_newer_python_is_used_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], restarted: list[list[str]]
) -> None:
    this_is(monkeypatch, 15)
    require_supported("dev")
    assert restarted == []
    assert capsys.readouterr().err.endswith("is newer than those tested, 3.11 to 3.14.\n")


def test_an_old_python_restarts_under_the_newest_that_works(
    monkeypatch: pytest.MonkeyPatch, on_path: Callable[..., None], restarted: list[list[str]]
) -> None:
    this_is(monkeypatch, 9)
    on_path(11, 14, broken=15)
    with pytest.raises(SystemExit):  # where the real one would have become the other program
        require_supported("dev")
    path, *words = restarted[0]
    assert path.endswith("/python3.14")
    assert words == [path, "dev", "run"]


def test_an_old_python_alone_is_refused_with_the_supported_versions(
    monkeypatch: pytest.MonkeyPatch, on_path: Callable[..., None], restarted: list[list[str]]
) -> None:
    this_is(monkeypatch, 9)
    on_path()
    with pytest.raises(SystemExit, match=r"Python 3\.11 to 3\.14 is needed, and PATH has none"):
        require_supported("dev")
    assert restarted == []


def test_the_project_promises_what_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">=3.{OLDEST[1]}"
    versions = [f"3.{minor}" for minor in range(OLDEST[1], NEWEST_TESTED[1] + 1)]
    assert [each.rpartition(" ")[2] for each in project["classifiers"]] == versions
    assert f"Python {versions[0]} to {versions[-1]} is all" in (ROOT / "README.md").read_text()
