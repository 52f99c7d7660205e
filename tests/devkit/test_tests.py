"""What `./dev test` and `./dev cover` start."""

import subprocess

import pytest

from devkit import cover, environment, tests

Started = list[list[str]]


@pytest.fixture
def codes() -> list[int]:
    """What the commands return, one after another; 0 beyond."""
    return []


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, codes: list[int]) -> Started:
    """The modules and arguments that were started instead of running them."""
    noted: Started = []

    def note(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        noted.append(command[2:])
        return subprocess.CompletedProcess(command, codes.pop(0) if codes else 0)

    def nothing(*_: object) -> None: ...

    monkeypatch.setattr(subprocess, "run", note)
    monkeypatch.setattr(environment, "prepare", nothing)
    monkeypatch.setattr(tests, "keep_bytecode", nothing)
    monkeypatch.setattr(cover, "keep_bytecode", nothing)
    monkeypatch.setenv("COVERAGE_FILE", "set by the command")
    return noted


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], [*tests.SIDE_BY_SIDE, "--also-on-sqlite", "quick", "-m", "not nightly"]),
        (["--all"], [*tests.NIGHTLY_SIDE_BY_SIDE, "--also-on-sqlite", "all"]),
        (
            ["--nightly"],
            [
                *tests.NIGHTLY_SIDE_BY_SIDE,
                *("--also-on-sqlite", "nightly", "-m", "nightly or sqlite_nightly"),
            ],
        ),
        (
            ["--fast"],
            [
                *(*tests.SIDE_BY_SIDE, "-m"),
                "not nightly and not slow and not unhurried"
                " and not processes and not s3 and not rabbitmq",
            ],
        ),
    ],
)
def test_tests_are_collected_once_for_both_databases(
    started: Started, arguments: list[str], options: list[str]
) -> None:
    assert tests.run(arguments) == 0
    assert started == [["pytest", *options]]


def test_arguments_are_pytests(started: Started) -> None:
    assert tests.run(["tests/tiers", "-x"]) == 0
    assert started == [["pytest", "tests/tiers", "-x"]]


@pytest.mark.parametrize(
    ("returned", "code"),
    [([0, 0, 0], 0), ([1, 0, 0], 1), ([0, 0, 2], 2), ([0, 1], 1)],
    ids=["all is well", "a test fails", "below the share", "nothing was measured"],
)
def test_coverage_is_measured_put_together_and_shown(
    started: Started, codes: list[int], returned: list[int], code: int
) -> None:
    codes += returned
    assert cover.run([]) == code
    measured, *rest = started
    assert measured[:4] == ["coverage", "run", "-m", "pytest"]
    assert measured[4:] == [*tests.SIDE_BY_SIDE, "-m", cover.CHOSEN]
    assert rest == [["coverage", "combine", "--quiet"], ["coverage", "report"]][: len(returned) - 1]


def test_coverage_of_chosen_tests(started: Started) -> None:
    assert cover.run(["tests/tiers"]) == 0
    assert started[0][4:] == ["tests/tiers"]
