"""A forked process: what it inherits is made its own, then it runs what it is given."""

import gc
import os
import sys
import traceback
import warnings
from itertools import pairwise
from multiprocessing.connection import Connection
from typing import Any, NoReturn

import pytest
from _pytest.config import create_terminal_writer
from _pytest.runner import runtestprotocol

from tests.forking.units import Unit
from tests.servers import plugin as servers


def run_worker(session: pytest.Session, number: int, database: str, link: Connection) -> NoReturn:
    """Run units until there are no more; never return to what the process was forked from."""
    code = 1
    try:
        # What tests leave is little beside what their process keeps, which need not be looked
        # through thousands of times.
        gc.set_threshold(50_000, 20, 50)
        _restart_capture(session.config)
        reaper = servers.prepare_forked(session.config, number, database)
        try:
            manager = session.config.pluginmanager
            manager.unregister(name="terminalreporter")
            # By that name others find where to write: `pytest-timeout` its stacks.
            manager.register(_Reporter(session, link), "terminalreporter")
            _run(session, link)
        finally:
            reaper.close()
        code = 0
    except (BrokenPipeError, EOFError, KeyboardInterrupt):
        pass  # the process that hands out is gone, or goes
    except BaseException:  # noqa: BLE001 (whatever it is, the other process tells it)
        link.send(("broken", traceback.format_exc()))
    finally:
        os._exit(code)


def _restart_capture(config: pytest.Config) -> None:
    """Capture into files of its own: those from before the fork have one position for all."""
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()


def _run(session: pytest.Session, link: Connection) -> None:
    unit = _next_unit(link)
    while unit:
        for number, following in pairwise(unit.items):
            _run_one(session, link, number, session.items[following])
        last = unit.items[-1]
        if unit.waits:
            # What comes next may be done by another meanwhile: the session's fixtures alone stay.
            _run_one(session, link, last, session)
            unit = _next_unit(link)
        else:
            # Known before the test runs, since what the next one shares with it is kept.
            unit = _next_unit(link)
            _run_one(session, link, last, session.items[unit.items[0]] if unit else None)
    session._setupstate.teardown_exact(None)


def _run_one(session: pytest.Session, link: Connection, number: int, following: Any) -> None:
    link.send(("running", number))
    session.config.hook.pytest_runtest_protocol(item=session.items[number], nextitem=following)


def _next_unit(link: Connection) -> Unit | None:
    link.send(("next", None))
    unit: Unit | None = link.recv()
    return unit


class _Reporter:
    """Sends what the terminal's reporter would get."""

    def __init__(self, session: pytest.Session, link: Connection) -> None:
        self._config = session.config
        self._link = link
        # What `Config.get_terminal_writer` gives; what is written is captured with the test's own.
        self._tw = create_terminal_writer(session.config, sys.__stderr__)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run it as pytest does, and report to the other process."""
        hook = self._config.hook
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        written = [
            hook.pytest_report_to_serializable(config=self._config, report=each) for each in reports
        ]
        sys.stdout.flush()
        self._link.send(("reports", written))
        return True

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str
    ) -> None:
        # What was recorded before the fork has been told.
        if when == "runtest":
            text = f"{warning_message.category.__name__}: {warning_message.message}"
            self._link.send(("warning", (text, nodeid)))
