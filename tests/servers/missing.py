"""Tests of a server that this machine lacks: provided for where that can be done, else named.

Only RabbitMQ can be missing; every other server comes with the environment.
"""

import os

import pytest

from devkit.environment import install_debian_package
from devkit.messages import Refusal
from tests.servers import rabbitmq

PACKAGE = "rabbitmq-server"
FIXTURE = "rabbitmq_server"
_left_out = pytest.StashKey[list[str]]()
_reason = pytest.StashKey[str]()
_FROM_WORKER = "tintype_left_out"


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Install RabbitMQ if a selected test needs it, or deselect those tests and remember them."""
    concerned = [item for item in items if FIXTURE in getattr(item, "fixturenames", ())]
    if not concerned or config.option.collectonly or rabbitmq.source() != rabbitmq.NOWHERE:
        return
    try:
        install_debian_package(PACKAGE, "RabbitMQ")
    except Refusal as refusal:
        config.stash[_reason] = str(refusal)
        config.stash[_left_out] = [item.nodeid for item in concerned]
        config.hook.pytest_deselected(items=concerned)
        items[:] = [item for item in items if item not in set(concerned)]


def tell(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name, in the closing lines, what was not run and the command that would change that."""
    names = config.stash.get(_left_out, [])
    if not names:
        return
    reporter.section(f"tests not run: {len(names)}", yellow=True)
    for name in names:
        reporter.write_line(name)
    reporter.write_line(config.stash[_reason])


def hear(config: pytest.Config, workeroutput: dict[str, tuple[str, list[str]]]) -> None:
    """Take over, in the controller of a parallel run, what the workers left out."""
    if _FROM_WORKER in workeroutput:
        config.stash[_reason], config.stash[_left_out] = workeroutput[_FROM_WORKER]


def conclude(session: pytest.Session) -> None:
    """Fail with CI=true, which asks for everything; a parallel worker tells its controller."""
    stash = session.config.stash
    if stash.get(_left_out, []) and hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_FROM_WORKER] = (stash[_reason], stash[_left_out])
    if os.environ.get("CI") == "true" and stash.get(_left_out, []):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
