"""`--processes N`: collect once, then run the tests in so many forked processes.

What each process would import, compile and collect by itself takes seven seconds of a core, for
every one of them; a forked one has it already, and another database costs no further run.
"""

import gc
from collections.abc import Generator
from typing import Any, NoReturn
from unittest import mock

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("forking")
    group.addoption("--processes", type=int, default=0, metavar="N", help="run side by side")
    group.addoption(
        "--patient", type=int, default=0, metavar="N", help="so many more, for what waits"
    )
    group.addoption(
        "--also-on-sqlite",
        choices=["quick", "nightly", "all"],
        default="",
        help="beside the others, one more process runs on SQLite what this part of the suite does",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Look for no garbage among what is imported and collected, which all stays."""
    if early_config.known_args_namespace.processes:
        gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let no module draw by libvips when it is imported: its threads would not be forked."""
    if not session.config.option.processes:
        return (yield)
    import pyvips

    with mock.patch.object(pyvips.Operation, "call", _refuse):
        return (yield)


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError("libvips must run in tests alone, not where they are collected")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    option = session.config.option
    if not option.processes or option.collectonly:
        return None
    if session.testsfailed and not option.continue_on_collection_errors:
        raise session.Interrupted(f"{session.testsfailed} errors during collection")
    # Not before: a run of one process needs none of it.
    from tests.forking.controller import Controller

    Controller(session).run(option.processes, part=option.also_on_sqlite, patient=option.patient)
    return True
