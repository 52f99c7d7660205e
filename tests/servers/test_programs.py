"""A missing program is installed, or the tests that start it are named as not run."""

import subprocess
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from devkit.messages import Refusal
from tests.servers import npm, programs
from tests.servers.programs import Program

COMMAND = "Missing: a sieve. Run: sudo apt-get install sieve"


def items_that_use(*fixtures: str) -> list[Any]:
    """As much of an item as is looked at."""
    return [SimpleNamespace(fixturenames=[each], nodeid=f"test_{each}") for each in fixtures]


@pytest.fixture
def sieve(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A program that is missing until it is installed; returns what was asked of apt."""
    calls: list[list[str]] = []
    there: dict[str, Path] = {}
    kinds = [
        Program(name, name, f"{name}_program", partial(there.get, name))
        for name in ("sieve", "scale")
    ]
    monkeypatch.setattr(programs, "PROGRAMS", kinds)

    def install(packages: list[str], what: str) -> None:
        calls.append(packages)
        there.update(dict.fromkeys(packages, Path("/usr/bin/it")))

    monkeypatch.setattr(programs, "install_debian_packages", install)
    return calls


@pytest.fixture
def config(pytestconfig: pytest.Config) -> Any:
    hook = SimpleNamespace(pytest_deselected=lambda items: None)
    option = SimpleNamespace(collectonly=False)
    return SimpleNamespace(
        stash=pytest.Stash(), option=option, hook=hook, pluginmanager=pytestconfig.pluginmanager
    )


def test_missing_programs_are_installed_by_one_call_of_apt(
    config: Any, sieve: list[list[str]]
) -> None:
    items = items_that_use("sieve_program", "scale_program", "tmp_path")
    programs.require(config, items)
    assert sieve == [["sieve", "scale"]]
    assert len(items) == 3


def test_programs_of_tests_that_are_not_selected_are_not_installed(
    config: Any, sieve: list[list[str]]
) -> None:
    programs.require(config, items_that_use("tmp_path"))
    assert sieve == []


def test_tests_whose_program_cannot_be_installed_are_named_and_fail_in_ci(
    config: Any, sieve: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(packages: list[str], what: str) -> None:
        raise Refusal(COMMAND)

    monkeypatch.setattr(programs, "install_debian_packages", refuse)
    items = items_that_use("tmp_path", "sieve_program")
    programs.require(config, items)
    assert [item.nodeid for item in items] == ["test_tmp_path"]

    lines: list[str] = []
    reporter: Any = SimpleNamespace(
        section=lambda text, **_: lines.append(text), write_line=lines.append
    )
    programs.report_not_run(reporter, config)
    assert lines == ["tests not run: 1", "test_sieve_program", COMMAND]

    session: Any = SimpleNamespace(config=config, exitstatus=pytest.ExitCode.OK)
    monkeypatch.delenv("CI", raising=False)
    programs.finish(session)
    assert session.exitstatus == pytest.ExitCode.OK
    monkeypatch.setenv("CI", "true")
    programs.finish(session)
    assert session.exitstatus == pytest.ExitCode.TESTS_FAILED


def test_what_no_package_of_debian_brings_is_installed_in_its_own_way(
    config: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[Path] = []
    mill = Program(
        "mill", "", "mill_program", lambda: there[0] if there else None,
        install=lambda: there.append(Path("mill")),
    )  # fmt: skip
    monkeypatch.setattr(programs, "PROGRAMS", [mill])
    items = items_that_use("mill_program", "tmp_path")
    programs.require(config, items)
    assert there
    assert len(items) == 2


def test_npms_packages_run(node_modules: Path) -> None:
    """With the Node.js of the wheel, and from the folder that is given to tests."""
    program = "console.log(typeof require(process.argv[1]).io)"
    command: list[str | Path] = [npm.NODE, "-e", program, str(node_modules / "socket.io-client")]
    assert subprocess.check_output(command, text=True).strip() == "function"
