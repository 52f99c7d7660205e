"""Tests of a server that this machine lacks: provided for where that can be done, else named.

Only RabbitMQ and nginx can be missing; every other server comes with the environment.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from devkit.environment import alone, install_debian_package
from devkit.messages import Refusal
from tests.servers import nginx, rabbitmq


@dataclass(frozen=True)
class Needed:
    """A program that comes from the system, and the fixture that asks for it."""

    fixture: str
    package: str
    what: str
    source: Callable[[], str]
    nowhere: str


SERVERS = (
    Needed("rabbitmq_server", "rabbitmq-server", "RabbitMQ", rabbitmq.source, rabbitmq.NOWHERE),
    Needed("nginx_program", "nginx", "nginx", nginx.source, nginx.NOWHERE),
)
_left_out = pytest.StashKey[dict[str, list[str]]]()
_FROM_WORKER = "tintype_left_out"


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Install what a selected test needs, or deselect those tests and remember them."""
    config.stash[_left_out] = {}
    if not config.option.collectonly:
        for server in SERVERS:
            _provide(server, config, items)


def _provide(server: Needed, config: pytest.Config, items: list[pytest.Item]) -> None:
    concerned = [item for item in items if server.fixture in getattr(item, "fixturenames", ())]
    if not concerned or server.source() != server.nowhere:
        return
    try:
        _install(server)
    except Refusal as refusal:
        config.stash[_left_out][str(refusal)] = [item.nodeid for item in concerned]
        config.hook.pytest_deselected(items=concerned)
        items[:] = [item for item in items if item not in set(concerned)]


def _install(server: Needed) -> None:
    """Install it, unless the parallel run beside us just has."""
    with alone():
        if server.source() == server.nowhere:
            install_debian_package(server.package, server.what)


def tell(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name, in the closing lines, what was not run and the commands that would change that."""
    left_out = config.stash.get(_left_out, {})
    if not left_out:
        return
    reporter.section(f"tests not run: {sum(map(len, left_out.values()))}", yellow=True)
    for reason, names in left_out.items():
        for name in names:
            reporter.write_line(name)
        reporter.write_line(reason)


def hear(config: pytest.Config, workeroutput: dict[str, dict[str, list[str]]]) -> None:
    """Take over, in the controller of a parallel run, what the workers left out."""
    if _FROM_WORKER in workeroutput:
        config.stash[_left_out] = workeroutput[_FROM_WORKER]


def conclude(session: pytest.Session) -> None:
    """Fail with CI=true, which asks for everything; a parallel worker tells its controller."""
    left_out = session.config.stash.get(_left_out, {})
    if left_out and hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_FROM_WORKER] = left_out
    if os.environ.get("CI") == "true" and left_out:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
