"""The process that collected: hands units out to forked ones, and reports what they report."""

import gc
import os
import signal
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import Any

import pytest

from devkit.children import describe_exit
from tests.forking.units import Queue, on_postgresql, on_sqlite, units_of
from tests.forking.worker import run_worker
from tests.servers import plugin as servers

SQLITE = "sqlite"


@dataclass
class Process:
    """A forked process, the queue that it works on, and what it has to do still."""

    number: int
    pid: int
    link: Connection
    queue: Queue
    database: str
    is_patient: bool = False
    waiting: list[int] = field(default_factory=list)
    running: int | None = None
    # Why it ended, where it was not killed.
    trouble: str = ""


class Controller:
    def __init__(self, session: pytest.Session) -> None:
        self._session = session
        self._config = session.config
        self._processes: dict[Connection, Process] = {}
        self._forked = 0
        self._terminal = self._config.pluginmanager.getplugin("terminalreporter")

    def run(self, count: int, *, part: str, patient: int = 0) -> None:
        """Run with so many processes; `part` of the suite says what runs on SQLite beside them.

        So many more are patient: they run what waits.
        """
        items = self._session.items
        # The files' tests are mixed: a dot for each, and no file's name between them.
        self._terminal.showfspath = False
        servers.finish_template(self._config)
        # Before a process forks, so that all have the same folder, and leave its objects alone.
        self._config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # as xdist does
        gc.collect()
        gc.freeze()
        gc.enable()
        try:
            usual = list(on_postgresql(items, part))
            chosen = list(on_sqlite(items, part)) if part else []
            self._session.testscollected = len(usual) + len(chosen)
            if chosen:
                self._fork(Queue(units_of(chosen)), SQLITE)
            queue = Queue(units_of(usual))
            for _ in range(min(count, len(usual))):
                self._fork(queue, "")
            for _ in range(patient):
                self._fork(queue, "", is_patient=True)
            self._receive_until_all_have_ended()
        finally:
            self._end_all()
            # The process ends soon, and looks for garbage once more in all that is left.
            gc.disable()
            gc.freeze()

    def _fork(self, queue: Queue, database: str, *, is_patient: bool = False) -> None:
        number, self._forked = self._forked, self._forked + 1
        ours, theirs = connection.Pipe()
        with warnings.catch_warnings():
            # Python 3.12 warns where a library has started threads; none of them holds a lock.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            for each in (ours, *self._processes):
                each.close()
            run_worker(self._session, number, database, theirs)
        theirs.close()
        self._processes[ours] = Process(number, pid, ours, queue, database, is_patient)

    def _receive_until_all_have_ended(self) -> None:
        while self._processes:
            for link in connection.wait(list(self._processes)):
                assert isinstance(link, Connection)
                self._receive(self._processes[link])
                if self._session.shouldfail:
                    raise self._session.Failed(self._session.shouldfail)
                if self._session.shouldstop:
                    raise self._session.Interrupted(self._session.shouldstop)

    def _receive(self, process: Process) -> None:
        try:
            kind, content = process.link.recv()
        except (EOFError, ConnectionResetError):
            self._forget(process)
            return
        match kind:
            case "next":
                unit = process.queue.next_for(process.number, is_patient=process.is_patient)
                process.waiting += unit.items if unit else []
                with suppress(BrokenPipeError):  # it has just ended, as the next look tells
                    process.link.send(unit)
            case "running":
                process.running = content
                process.waiting.remove(content)
            case "reports":
                process.running = None
                self._report(process, content)
            case "broken":
                process.trouble = content
            case "warning":
                self._warn(*content)

    def _report(self, process: Process, reports: list[dict[str, Any]]) -> None:
        hook = self._config.hook
        for data in reports:
            if process.database:
                data["nodeid"] += f" ({process.database})"
            report = hook.pytest_report_from_serializable(config=self._config, data=data)
            hook.pytest_runtest_logreport(report=report)
        nodeid, location = reports[-1]["nodeid"], reports[-1]["location"]
        hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)

    def _warn(self, text: str, nodeid: str) -> None:
        warning = pytest.PytestWarning(text)
        message = warnings.WarningMessage(warning, pytest.PytestWarning, "", 0)
        # Not by the hook, which tells a later forked process what was told before.
        self._terminal.pytest_warning_recorded(warning_message=message, nodeid=nodeid)

    def _forget(self, process: Process) -> None:
        """Report what an ended process was running, and let another do the rest."""
        del self._processes[process.link]
        process.link.close()
        _, status = os.waitpid(process.pid, 0)
        trouble = (
            process.trouble or f"The process {describe_exit(os.waitstatus_to_exitcode(status))}"
        )
        if process.running is not None:
            item = self._session.items[process.running]
            text = f"While this test ran:\n{trouble}"
            report = pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "call")
            data = self._config.hook.pytest_report_to_serializable(
                config=self._config, report=report
            )
            self._report(process, [data])
        elif status:
            raise RuntimeError(trouble)
        if process.waiting:
            process.queue.give_back(process.waiting)
            self._fork(process.queue, process.database, is_patient=process.is_patient)

    def _end_all(self) -> None:
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            os.waitpid(process.pid, 0)
            process.link.close()
