"""Runs a module's tests once, then for each mutant those that reach it, in a forked process.

Loaded by `./dev mutate`. Django, the database and the servers are set up once for all modules; a
forked process puts the mutant's code into the functions that are there, wherever they were imported
to.
"""

import ast
import functools
import gc
import importlib
import json
import os
import random
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from inspect import unwrap
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType, SimpleNamespace
from typing import Any, TypeAlias

import hypothesis
import pytest
from _pytest.runner import runtestprotocol
from django.db import connection, connections
from django.test import TransactionTestCase
from pytest_django.plugin import blocking_manager_key
from tqdm import tqdm

from lib.made_once import made_once
from tests.mutation.mutants import Mutant, find_mutants

Key = tuple[str, int]
# Its class is generic for type checkers alone.
Cached: TypeAlias = "functools._lru_cache_wrapper[Any] | made_once[..., Any]"
CACHES = (functools._lru_cache_wrapper, made_once)
# So long one test may take: what a busy machine needs for any, and a multiple of what it took
# unchanged.
MIN_TIMEOUT, TIMEOUT_FACTOR = 20.0, 10.0
# A busy machine may fail a test that waits.
_UNCHANGED_TRIES = 2
_PASSED = b"\n"
# Its threads are gone, but one that waited for a lock has left its connection to find out.
_END_OTHERS = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: `killed`, `survived`, `unreached` by any test, or `unsure` where the
    test that failed does so of the unchanged module too.
    """

    line: int
    change: str
    outcome: str
    by: str = ""
    reason: str = ""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mutation")
    group.addoption("--mutate", type=json.loads, help="the tests' paths of each module, as JSON")
    group.addoption("--mutants", type=int, default=30, help="how many of each module")
    group.addoption(
        "--mutation-seed", default="", help="they are drawn by it and the module's name"
    )
    group.addoption("--mutation-report", type=Path, help="where to write the verdicts")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    hypothesis.settings.register_profile(
        "mutation", hypothesis.settings(), database=None, derandomize=True
    )
    hypothesis.settings.load_profile("mutation")
    with session.config.getoption("--mutation-report").open("w") as reports:
        for module, paths in session.config.getoption("--mutate").items():
            items = [each for each in session.items if _is_below(each.path, paths)]
            print(json.dumps(_report_on(module, session, items)), file=reports, flush=True)
    return True


def _is_below(path: Path, others: list[str]) -> bool:
    return any(path.is_relative_to(Path(each).absolute()) for each in others)


def _report_on(name: str, session: pytest.Session, items: list[pytest.Item]) -> dict[str, Any]:
    path = str(importlib.import_module(name).__file__)
    # What was loaded with `config.wsgi` is not found else.
    gc.unfreeze()
    caches = _caches_of(path)
    tests = list(_run_unchanged(session, items, _Reached(path), caches))
    source = Path(path).read_text()
    mutants = list(find_mutants(source))
    chance = random.Random(name + session.config.getoption("--mutation-seed"))
    drawn = chance.sample(mutants, min(len(mutants), session.config.getoption("--mutants")))
    drawn.sort(key=lambda each: each.line)
    functions, unchanged = _functions_of(path), _codes_of(ast.parse(source), path)
    # What the processes that follow never collect they need not copy.
    gc.collect()
    gc.freeze()
    # In the order in which mutants meet them.
    tests.sort(key=lambda each: each.seconds)
    unfit = _find_failing(tests)
    tests = [each for each in tests if each.name not in unfit]
    verdicts = [
        _judge(mutant, tests, functions, unchanged, path, caches)
        for mutant in tqdm(drawn, desc=name, unit="mutant", file=sys.stderr)
    ]
    gc.unfreeze()
    # What was stopped amid a test may have left something behind, of which later mutants die.
    unsure = _find_failing(tests)
    return {
        "module": name,
        "fails_unchanged": unfit | unsure,
        "tests": len(tests),
        "places": len(mutants),
        "verdicts": [asdict(_doubt(each, unsure)) for each in verdicts],
    }


def _doubt(verdict: Verdict, unsure: dict[str, str]) -> Verdict:
    return replace(verdict, outcome="unsure") if verdict.by in unsure else verdict


class _Reached:
    """Notes which lines of a file are run."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.lines: set[int] = set()

    def __enter__(self) -> None:
        self.lines = set()
        sys.settrace(self._enter)
        threading.settrace(self._enter)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)

    def _enter(self, frame: FrameType, event: str, argument: object) -> Any:
        if frame.f_code.co_filename != self._path:
            return None
        self.lines.add(frame.f_lineno)
        return self._note

    def _note(self, frame: FrameType, event: str, argument: object) -> Any:
        self.lines.add(frame.f_lineno)
        return self._note


@dataclass(frozen=True)
class Reaching:
    """A test that passes, which lines it reaches, and how many seconds it takes."""

    item: pytest.Item
    lines: frozenset[int]
    seconds: float

    @property
    def name(self) -> str:
        return self.item.nodeid


def _run_unchanged(
    session: pytest.Session, items: list[pytest.Item], reached: _Reached, caches: list[Cached]
) -> Iterator[Reaching]:
    """Run every test, and keep for later what is set up for the session, and nothing else."""
    for item, following in zip(items, [*items[1:], _anywhere(session)], strict=True):
        for _ in range(_UNCHANGED_TRIES):
            _clear(caches)
            started = time.monotonic()
            with reached:
                reports = runtestprotocol(item, log=False, nextitem=following)
            took = time.monotonic() - started
            failed = next((each for each in reports if each.failed), None)
            if failed is None:
                break
        if failed is not None:
            raise pytest.UsageError(f"{item.nodeid} fails unchanged:\n{failed.longreprtext}")
        if reached.lines and all(each.passed for each in reports):
            yield Reaching(item, frozenset(reached.lines), took)


def _anywhere(session: pytest.Session) -> Any:
    """Return what stands for a following test of which nothing is known but its session."""
    return SimpleNamespace(listchain=lambda: [session])


def _functions_of(path: str) -> dict[Key, list[FunctionType]]:
    found: dict[Key, list[FunctionType]] = {}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename == path:
            found.setdefault(_key(each.__code__), []).append(each)
    return found


def _caches_of(path: str) -> list[Cached]:
    """Return the caches of a module's functions: what is in them tests would not ask for again."""
    return [
        each
        for each in gc.get_objects()
        if isinstance(each, CACHES)
        and getattr(unwrap(each), "__code__", None)
        and unwrap(each).__code__.co_filename == path
    ]


def _clear(caches: list[Cached]) -> None:
    for each in caches:
        each.cache_clear()


def _codes_of(tree: ast.Module, path: str) -> dict[Key, CodeType]:
    waiting, found = [compile(tree, path, "exec")], {}
    while waiting:
        code = waiting.pop()
        found[_key(code)] = code
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
    return found


def _key(code: CodeType) -> Key:
    return code.co_qualname, code.co_firstlineno


def _judge(
    mutant: Mutant,
    tests: list[Reaching],
    functions: dict[Key, list[FunctionType]],
    unchanged: dict[Key, CodeType],
    path: str,
    caches: list[Cached],
) -> Verdict:
    chosen = [each for each in tests if not each.lines.isdisjoint(mutant.lines)]
    if not chosen:
        return Verdict(mutant.line, mutant.change, "unreached")
    changed = {
        key: code
        for key, code in _codes_of(mutant.tree, path).items()
        if key in functions and code != unchanged.get(key)
    }
    changes = _Changes(path, changed, functions, mutant.statement, caches)
    failure = _run_in_fork(changes, chosen)
    if failure is None:
        return Verdict(mutant.line, mutant.change, "survived")
    return Verdict(mutant.line, mutant.change, "killed", failure.test, failure.reason)


@dataclass(frozen=True)
class _Changes:
    """What a mutant changes in the modules that are loaded."""

    path: str
    codes: dict[Key, CodeType]
    functions: dict[Key, list[FunctionType]]
    statement: tuple[str, str] | None
    caches: list[Cached]

    def make(self) -> None:
        _clear(self.caches)
        for key, code in self.codes.items():
            for function in self.functions[key]:
                function.__code__ = code
        if self.statement:
            name, value = self.statement
            [module] = [each for each in sys.modules.values() if self.path == _file_of(each)]
            setattr(module, name, value)


def _file_of(module: ModuleType) -> str | None:
    return getattr(module, "__file__", None)


@dataclass(frozen=True)
class _Failure:
    """Which test failed in a forked process, and what it said last."""

    test: str
    reason: str


def _find_failing(tests: list[Reaching]) -> dict[str, str]:
    """Return which tests fail in a forked process although nothing is changed, and why."""
    failing: dict[str, str] = {}
    while failure := _run_in_fork(None, [each for each in tests if each.name not in failing]):
        failing[failure.test] = failure.reason
    return failing


def _run_in_fork(changes: _Changes | None, tests: list[Reaching]) -> _Failure | None:
    """Run tests until one fails, in a process that ends with them."""
    connections.close_all()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _run_mutant(changes, tests, writer)
    os.close(writer)
    failure = _read_outcome(reader, tests)
    os.close(reader)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if failure:
        _restore_database(next(each.item for each in tests if each.name == failure.test))
    return failure


def _restore_database(failed: pytest.Item) -> None:
    """Delete what a test has committed that could not, since it was stopped or its end failed."""
    if not _commits(failed):
        return
    with failed.config.stash[blocking_manager_key].unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(_END_OTHERS)
        case: Any = TransactionTestCase()
        case._fixture_teardown()  # that of tests.conftest
    connections.close_all()


def _commits(item: pytest.Item) -> bool:
    """Tell whether the transactions of a test are real."""
    mark = item.get_closest_marker("django_db")
    by_mark = mark is not None and bool(mark.kwargs.get("transaction"))
    return by_mark or "transactional_db" in getattr(item, "fixturenames", ())


def _read_outcome(reader: int, tests: list[Reaching]) -> _Failure | None:
    """Return the failure that a process tells, None once all tests have passed.

    It writes _PASSED after each test; one that takes longer than its limit, or ends the process,
    has failed too.
    """
    text = b""
    while (passed := text.count(_PASSED)) < len(tests):
        running = tests[passed]
        limit = MIN_TIMEOUT + TIMEOUT_FACTOR * running.seconds
        ready, _, _ = select.select([reader], [], [], limit)
        if not ready:
            return _Failure(running.name, f"takes more than {limit:.0f} s")
        piece = os.read(reader, 4096)
        if not piece:
            if reason := text.strip(_PASSED).decode():
                return _Failure(running.name, reason)
            return _Failure(running.name, "ends the process")
        text += piece
    return None


def _run_mutant(changes: _Changes | None, tests: list[Reaching], writer: int) -> None:
    """Run tests until one fails; never return."""
    try:
        if changes:
            changes.make()
        _run_until_failure([each.item for each in tests], writer)
    finally:
        os._exit(0)


def _run_until_failure(items: list[pytest.Item], writer: int) -> None:
    for item, following in zip(items, [*items[1:], items[0]], strict=True):
        reports = runtestprotocol(item, log=False, nextitem=following)
        if failed := next((each for each in reports if each.failed), None):
            os.write(writer, _explain(failed).encode(errors="replace"))
            return
        os.write(writer, _PASSED)


def _explain(report: pytest.TestReport) -> str:
    """Return, in one line, what pytest says of a failure."""
    lines = report.longreprtext.splitlines()
    said = (each.removeprefix("E").strip() for each in lines if each.startswith("E "))
    return next(said, "") or " ".join(lines[-1:]).strip() or "it fails"
