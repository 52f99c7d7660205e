"""Gives pytest its servers; load it with `-p tests.servers.plugin`, before Django's settings.

PostgreSQL and Valkey are up before the settings are read, since those need their addresses.
RabbitMQ and S3 start when the first test asks for their fixture. The fixtures are
`postgres_server`, `valkey_server`, `rabbitmq_server` and `s3_server`, each with `url` (S3:
`endpoint_url`) and `source`.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devkit import valkey
from devkit.children import Guard
from tests.servers import nginx, programs, rabbitmq, s3
from tests.servers.postgres import Postgres

WORKER = "PYTEST_XDIST_WORKER"
SOURCES = "TINTYPE_TEST_SOURCES"


@dataclass(frozen=True)
class Running:
    """A server that was up before pytest read the settings."""

    url: str
    source: str


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """A wrapper, because pytest-django reads the settings in this very hook."""
    options = early_config.known_args_namespace
    if os.environ.get(WORKER):
        _keep_apart(os.environ[WORKER])
    elif not (options.help or options.version):
        _start(early_config)
    return (yield)


def _start(config: pytest.Config) -> None:
    guard = Guard()
    config.add_cleanup(guard.close)
    # Never the folder that the shell names: it may hold somebody's pictures.
    os.environ["DATA_DIR"] = str(guard.make_folder("tintype-data-"))
    sources = {"valkey": _start_valkey(guard), "database": _start_database(guard)}
    os.environ[SOURCES] = ", ".join(f"{name}: {source}" for name, source in sources.items())
    _keep_apart("main")


def _start_database(guard: Guard) -> str:
    if os.environ.get("TEST_DATABASE") == "sqlite":
        os.environ["DATABASE_URL"] = f"sqlite://{guard.make_folder('tintype-sqlite-')}/db.sqlite3"
        return "SQLite"
    if os.environ.get("DATABASE_URL"):
        return "DATABASE_URL"
    server = Postgres(guard)
    os.environ["DATABASE_URL"] = server.url
    return server.source


def _start_valkey(guard: Guard) -> str:
    if os.environ.get("REDIS_URL"):
        return "REDIS_URL"
    program = valkey.find()
    server = valkey.Valkey(guard, program)
    server.wait(server.start())
    os.environ["REDIS_URL"] = server.url
    return program.source


def _keep_apart(worker: str) -> None:
    """Let parallel workers share one Valkey: each has its prefix and, on a private one, its number.

    Each has its own data folder too, so that a test may count what is left in it.

    A given REDIS_URL keeps its number, because the others on that server are not ours to use.
    """
    os.environ["CACHE_PREFIX"] = os.environ["CELERY_QUEUE"] = f"tintype-test-{worker}"
    os.environ["DATA_DIR"] = str(Path(os.environ["DATA_DIR"], worker))
    number = int(worker.removeprefix("gw")) + 1 if worker.startswith("gw") else 0
    if "REDIS_URL" not in os.environ[SOURCES]:
        address, _, _ = os.environ["REDIS_URL"].rpartition("=")
        os.environ["REDIS_URL"] = f"{address}={number % valkey.DATABASES}"


def pytest_report_header() -> str:
    found = [f"{each.name}: {each.source() or 'not installed'}" for each in programs.PROGRAMS]
    on_demand = ", ".join([f"S3: {s3.SOURCE}", *found])
    return f"servers: {os.environ[SOURCES]}; when a test asks: {on_demand}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    programs.require(config, items)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    programs.report_not_run(terminalreporter, config)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    programs.finish(session)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    programs.receive_from_worker(node.config, getattr(node, "workeroutput", {}))


@pytest.fixture(scope="session")
def postgres_server() -> Running:
    """The database's server, also when that is SQLite or DATABASE_URL's."""
    return Running(os.environ["DATABASE_URL"], os.environ[SOURCES])


@pytest.fixture(scope="session")
def valkey_server() -> Running:
    return Running(os.environ["REDIS_URL"], os.environ[SOURCES])


@pytest.fixture(scope="session")
def server_guard() -> Iterator[Guard]:
    """Ends what a test session started, also when pytest is killed."""
    with Guard() as guard:
        yield guard


@pytest.fixture(scope="session")
def rabbitmq_server(server_guard: Guard) -> rabbitmq.RabbitMQ | rabbitmq.ExternalRabbitMQ:
    """A broker with `url`, `stop`, `kill`, `start` and `restart`; leave it running."""
    if url := os.environ.get("AMQP_URL"):
        return rabbitmq.ExternalRabbitMQ(url)
    return rabbitmq.RabbitMQ(server_guard)


@pytest.fixture(scope="session")
def nginx_program() -> str:
    """Where nginx is; a test that asks for a program runs only where there is one."""
    return str(nginx.find())


@pytest.fixture(scope="session")
def chromium_program() -> str:
    return str(programs.find_chromium())


@pytest.fixture(scope="session")
def wget_program() -> None:
    """For tests that run the health checks of docker-compose.yml."""


@pytest.fixture(scope="session")
def s3_server(server_guard: Guard) -> s3.S3:
    """An S3 server with `endpoint_url`, `access_key`, `secret_key`, `client`, `make_bucket`."""
    return s3.S3(server_guard)
