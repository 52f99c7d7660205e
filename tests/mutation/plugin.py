"""Runs a module's tests once, then for each mutant those that reach it, in a forked process.

Loaded by `./dev mutate`. Django, the database and the servers are set up once; a forked process
puts the mutant's code into the functions that are there, wherever they were imported to.
"""

import ast
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
from dataclasses import asdict, dataclass
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

import hypothesis
import pytest
from _pytest.runner import runtestprotocol
from django.db import connections
from tqdm import tqdm

from tests.mutation.mutants import Mutant, find_mutants

Key = tuple[str, int]
# Beyond what the tests took unchanged, which a busy machine or a mutant may take longer.
MIN_TIMEOUT, TIMEOUT_FACTOR = 20.0, 10.0


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: `killed`, `survived`, or `unreached` by any test."""

    line: int
    change: str
    outcome: str
    by: str = ""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mutation")
    group.addoption("--mutate", metavar="MODULE", help="the module to change")
    group.addoption("--mutants", type=int, default=30, help="how many, drawn by the module's name")
    group.addoption("--mutation-report", type=Path, help="where to write the verdicts")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    module = importlib.import_module(session.config.getoption("--mutate"))
    path = str(module.__file__)
    reached = _Reached(path)
    tests = list(_run_unchanged(session, reached))
    source = Path(path).read_text()
    mutants = list(find_mutants(source))
    chance = random.Random(module.__name__)
    drawn = chance.sample(mutants, min(len(mutants), session.config.getoption("--mutants")))
    drawn.sort(key=lambda each: each.line)
    functions, unchanged = _functions_of(path), _codes_of(ast.parse(source), path)
    hypothesis.settings.register_profile(
        "mutation", hypothesis.settings(), database=None, derandomize=True
    )
    hypothesis.settings.load_profile("mutation")
    verdicts = [
        _judge(mutant, tests, functions, unchanged, path)
        for mutant in tqdm(drawn, desc=module.__name__, unit="mutant", file=sys.stderr)
    ]
    report = {
        "module": module.__name__,
        "tests": len(tests),
        "places": len(mutants),
        "verdicts": [asdict(each) for each in verdicts],
    }
    session.config.getoption("--mutation-report").write_text(json.dumps(report))
    return True


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


def _run_unchanged(session: pytest.Session, reached: _Reached) -> Iterator[Reaching]:
    """Run every test, and keep for later what is set up for the session."""
    items = session.items
    for item, following in zip(items, [*items[1:], items[0]], strict=True):
        started = time.monotonic()
        with reached:
            reports = runtestprotocol(item, log=False, nextitem=following)
        took = time.monotonic() - started
        failed = next((each for each in reports if each.failed), None)
        if failed is not None:
            raise pytest.UsageError(f"{item.nodeid} fails unchanged:\n{failed.longreprtext}")
        if reached.lines and all(each.passed for each in reports):
            yield Reaching(item, frozenset(reached.lines), took)


def _functions_of(path: str) -> dict[Key, list[FunctionType]]:
    found: dict[Key, list[FunctionType]] = {}
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename == path:
            found.setdefault(_key(each.__code__), []).append(each)
    return found


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
) -> Verdict:
    lines = range(mutant.line, mutant.end_line + 1)
    chosen = [each for each in tests if not each.lines.isdisjoint(lines)]
    if not chosen:
        return Verdict(mutant.line, mutant.change, "unreached")
    chosen.sort(key=lambda each: each.seconds)
    changed = {
        key: code
        for key, code in _codes_of(mutant.tree, path).items()
        if key in functions and code != unchanged.get(key)
    }
    by = _run_in_fork(changed, functions, chosen)
    return Verdict(mutant.line, mutant.change, "killed" if by else "survived", by)


def _run_in_fork(
    changed: dict[Key, CodeType], functions: dict[Key, list[FunctionType]], tests: list[Reaching]
) -> str:
    """Return which test noticed, "" for none."""
    connections.close_all()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _run_mutant(changed, functions, tests, writer)
    os.close(writer)
    limit = MIN_TIMEOUT + TIMEOUT_FACTOR * sum(each.seconds for each in tests)
    by = _read_until(reader, time.monotonic() + limit)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return by


def _read_until(reader: int, deadline: float) -> str:
    """Return what a process writes until it ends, or that it takes too long."""
    text = b""
    while True:
        ready, _, _ = select.select([reader], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            os.close(reader)
            return "it takes too long"
        piece = os.read(reader, 4096)
        if not piece:
            os.close(reader)
            # A process that ends without a word was ended by the mutant.
            return "" if text == b"passed" else text.decode() or "the process ended"
        text += piece


def _run_mutant(
    changed: dict[Key, CodeType],
    functions: dict[Key, list[FunctionType]],
    tests: list[Reaching],
    writer: int,
) -> None:
    """Run tests until one fails; never return."""
    try:
        for key, code in changed.items():
            for function in functions[key]:
                function.__code__ = code
        os.write(writer, (_first_failure(tests) or "passed").encode())
    finally:
        os._exit(0)


def _first_failure(tests: list[Reaching]) -> str:
    items = [each.item for each in tests]
    for item, following in zip(items, [*items[1:], items[0]], strict=True):
        if any(each.failed for each in runtestprotocol(item, log=False, nextitem=following)):
            return item.nodeid
    return ""
