"""The programs that tests start: found, else installed, else their tests are named.

`PROGRAMS` lists them all. Every other server comes with the environment, in a wheel.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

from devkit.children import which
from devkit.environment import install_debian_packages, lock_environment
from devkit.messages import Refusal
from tests.servers import nginx, npm, postgres, rabbitmq


@dataclass(frozen=True)
class Program:
    """A program, Debian's package of it, and the fixture by which a test asks for it.

    What is no package of Debian's says how it is installed: `install` raises Refusal.
    """

    name: str
    package: str
    fixture: str
    find: Callable[[], Path | None]
    # A variable that names a running server makes the program unnecessary.
    variable: str = ""
    install: Callable[[], None] | None = None

    def source(self) -> str:
        """Return where it comes from; empty when it is missing."""
        if os.environ.get(self.variable):
            return self.variable
        return str(self.find() or "")


def find_chromium() -> Path | None:
    """Return the one that draws no windows, which takes a third less of a core, or any other."""
    return which("chromium-headless-shell", "chromium", "google-chrome", "chromium-browser")


def find_playwright_driver() -> Path | None:
    """Return the program that drives the browser, if it starts: the wheel brings no libraries."""
    node = Path(compute_driver_executable()[0])
    works = subprocess.run([node, "--version"], capture_output=True, check=False).returncode == 0
    return node if works else None


def find_debian_postgres() -> Path | None:
    """Debian's own, to upgrade from: the wheel has the newest."""
    found = postgres.find_debian()
    return found.folder if found else None


PROGRAMS = (
    Program("RabbitMQ", "rabbitmq-server", "rabbitmq_server", rabbitmq.find, "AMQP_URL"),
    Program("nginx", "nginx", "nginx_program", nginx.find),
    Program("Chromium", "chromium-headless-shell", "chromium_program", find_chromium),
    # Debian 12's Chromium needs no libatomic, which the driver needs.
    Program("libatomic", "libatomic1", "chromium_program", find_playwright_driver),
    # nginx's health check in docker-compose.yml.
    Program("wget", "wget", "wget_program", lambda: which("wget")),
    # `docker-compose config`: v1.29 on Debian 12, v2 on Debian 13.
    Program("Compose", "docker-compose", "compose_program", lambda: which("docker-compose")),
    Program("Debian's PostgreSQL", "postgresql", "debian_postgres", find_debian_postgres),
    # Reads the rules and metrics of deploy/prometheus.
    Program("promtool", "prometheus", "promtool_program", lambda: which("promtool")),
    # A proxy in front of ours, by the sample in deploy/proxies.
    Program("Caddy", "caddy", "caddy_program", lambda: which("caddy")),
    # Reads metadata of every kind by code that is not ours.
    Program("exiftool", "libimage-exiftool-perl", "exiftool_program", lambda: which("exiftool")),
    *(
        Program(f"npm packages for {each.name}", "", fixture, each.find, install=each.install)
        for each, fixture in ((npm.PAGES, "node_modules"), (npm.CLIENTS, "client_modules"))
    ),
)
_not_run = pytest.StashKey[dict[str, list[str]]]()


def require(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Install what the selected tests start, or deselect those tests and remember them."""
    config.stash[_not_run] = {}
    if config.option.collectonly:
        return
    missing = [program for program in _started_by(items) if not program.source()]
    if missing:
        refusal = _install(config, missing)
        _deselect(config, items, [each for each in missing if not each.source()], refusal)


def _started_by(items: Iterable[pytest.Item]) -> list[Program]:
    fixtures = {name for item in items for name in _fixtures(item)}
    return [program for program in PROGRAMS if program.fixture in fixtures]


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


def _install(config: pytest.Config, missing: list[Program]) -> str:
    """Install, Debian's by one call of apt; return why that was not possible, if so.

    A parallel process of this run may have installed them while this one waited for its turn.
    """
    capture = config.pluginmanager.getplugin("capturemanager")
    # A parallel process has no standard output of its own.
    with capture.global_and_fixture_disabled(), redirect_stdout(sys.stderr), lock_environment():
        missing = [program for program in missing if not program.source()]
        try:
            for program in missing:
                if program.install:
                    program.install()
            of_debian = [program for program in missing if not program.install]
            install_debian_packages(
                [program.package for program in of_debian],
                ", ".join(program.name for program in of_debian),
            )
        except Refusal as refusal:
            return str(refusal)
    return ""


def _deselect(
    config: pytest.Config, items: list[pytest.Item], missing: list[Program], reason: str
) -> None:
    fixtures = {program.fixture for program in missing}
    concerned = [item for item in items if fixtures & _fixtures(item)]
    if concerned:
        config.stash[_not_run][reason] = [item.nodeid for item in concerned]
        config.hook.pytest_deselected(items=concerned)
        items[:] = [item for item in items if not fixtures & _fixtures(item)]


def report_not_run(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name, in the closing lines, what was not run and the command that would change that."""
    not_run = config.stash.get(_not_run, {})
    if not not_run:
        return
    reporter.section(f"tests not run: {sum(map(len, not_run.values()))}", yellow=True)
    for reason, names in not_run.items():
        for name in names:
            reporter.write_line(name)
        reporter.write_line(reason)


def finish(session: pytest.Session) -> None:
    """Fail with CI=true, which wants every test run."""
    not_run = session.config.stash.get(_not_run, {})
    if os.environ.get("CI") == "true" and not_run:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
