"""The parts that tests here stop and start; each test has its own database and queue."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from devkit import valkey
from devkit.children import Child, Reaper
from tests.faults.accounting import Tables
from tests.faults.deployment import Deployment, variables_of
from tests.faults.scarcity import Full, folder_that_can_fill_up
from tests.processes import ROOT
from tests.servers.databases import fresh_database
from tests.servers.plugin import Database
from tests.servers.ports import free_ports
from tests.servers.postgres import FAST, Postgres, find
from tests.servers.rabbitmq import Broker

TEMPLATE = "migrated"


class Redis:
    """A Valkey with nothing on disk: what it knew is gone when it stops."""

    def __init__(self, reaper: Reaper) -> None:
        self._server = valkey.Valkey(reaper, valkey.find())
        self._child: Child | None = None
        self.url = self._server.url
        self.start()

    def start(self) -> None:
        if not self._child or not self._child.is_running():
            self._child = self._server.start()
            self._server.wait(self._child)

    def stop(self) -> None:
        if self._child:
            self._child.stop(10)


@pytest.fixture(scope="session")
def database_server(reaper: Reaper, quick_python: Path, postgres_server: Database) -> Postgres:
    """A PostgreSQL that keeps what it committed; its database `migrated` is for copying."""
    server = Postgres(reaper, FAST)
    server.start()
    _create(server, TEMPLATE, "template0")
    if template := os.environ.get("TEST_TEMPLATE"):
        # Whoever has a connection to a template keeps others from copying it.
        name = f"faults_{os.getpid()}"
        with fresh_database(postgres_server.url, name, template) as url:
            _copy(url, server)
    else:
        _migrate(server, quick_python)
    return server


def _copy(url: str, server: Postgres) -> None:
    """Copy what this run has migrated for all its processes, which takes a tenth of a migration."""
    programs = find().folder
    dump = subprocess.run([programs / "pg_dump", url], check=True, capture_output=True)
    command: list[str | Path] = [
        programs / "psql",
        "-qX",
        "-v",
        "ON_ERROR_STOP=1",
        server.url_of(TEMPLATE),
    ]
    subprocess.run(command, input=dump.stdout, check=True, capture_output=True)


def _migrate(server: Postgres, python: Path) -> None:
    environment = {
        **os.environ, "LOCAL": "on", "DATABASE_URL": server.url_of(TEMPLATE),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }  # fmt: skip
    command: list[str | Path] = [python, "manage.py", "migrate", "--no-input", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def _create(server: Postgres, name: str, template: str) -> None:
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


@pytest.fixture(scope="session")
def redis_server(reaper: Reaper) -> Redis:
    return Redis(reaper)


@pytest.fixture
def database(database_server: Postgres) -> Iterator[Postgres]:
    """The database server; running again afterwards, whatever a test did to it."""
    yield database_server
    database_server.start()


@pytest.fixture
def redis(redis_server: Redis) -> Iterator[Redis]:
    yield redis_server
    redis_server.start()


@pytest.fixture
def broker(rabbitmq_server: Broker) -> Iterator[Broker]:
    rabbitmq_server.start()
    yield rabbitmq_server
    rabbitmq_server.start()


@pytest.fixture
def name() -> str:
    """Of this test's database and queue, and of its keys in Redis."""
    return f"faults_{uuid.uuid4().hex[:8]}"


@pytest.fixture
def tables(database: Postgres, name: str) -> Iterator[Tables]:
    _create(database, name, TEMPLATE)
    with closing(Tables(database.url_of(name))) as tables:
        yield tables


@pytest.fixture
def deploy(
    reaper: Reaper,
    tmp_path: Path,
    name: str,
    tables: Tables,
    redis: Redis,
    broker: Broker,
    quick_python: Path,
) -> Iterator[Callable[..., Deployment]]:
    """Return a function that starts a deployment, on variables of one's own; all end here."""
    with ExitStack() as stack:

        def start(
            *, workers: int = 1, threads: int = 2, folder: Path = tmp_path,
            forks_workers: bool = False, **own: str
        ) -> Deployment:  # fmt: skip
            port, health_port = free_ports(2)
            parts = {"DATABASE_URL": tables.url, "REDIS_URL": redis.url, "AMQP_URL": broker.url}
            variables = variables_of(folder, port, health_port, name, **(parts | own))
            made = Deployment(
                reaper, folder, port, variables, quick_python, workers, threads, forks_workers
            )
            return stack.enter_context(_running(made))

        yield start


@contextmanager
def _running(deployment: Deployment) -> Iterator[Deployment]:
    try:
        deployment.start()
        yield deployment
    finally:
        deployment.end()
        print(deployment.log.read_text()[-20_000:])  # noqa: T201 (shown where a test fails)


@dataclass(frozen=True)
class Shared:
    """A deployment, and how its disk fills up, in words and as a context manager."""

    deployment: Deployment
    way_of_filling: str
    full: Full


@pytest.fixture(scope="module")
def shared(
    reaper: Reaper, tmp_path_factory: pytest.TempPathFactory, database_server: Postgres,
    redis_server: Redis, rabbitmq_server: Broker, quick_python: Path,
) -> Iterator[Shared]:  # fmt: skip
    """A deployment for all tests of a file; at its end every process stops in order."""
    folder, name = tmp_path_factory.mktemp("deployment"), f"faults_{uuid.uuid4().hex[:8]}"
    _create(database_server, name, TEMPLATE)
    rabbitmq_server.start()
    parts = {
        "DATABASE_URL": database_server.url_of(name), "REDIS_URL": redis_server.url,
        "AMQP_URL": rabbitmq_server.url, "DATA_DIR": str(folder / "disk"),
    }  # fmt: skip
    port, health_port = free_ports(2)
    variables = variables_of(folder, port, health_port, name, **parts)
    deployment = Deployment(reaper, folder, port, variables, quick_python)
    with folder_that_can_fill_up(folder / "disk") as (way, full), _running(deployment):
        yield Shared(deployment, way, full)
        assert deployment.stop() == {0}


@pytest.fixture
def report_figures(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Return a function that writes a test's figures into its report."""

    def tell(figures: str) -> None:
        record_property("figures", figures)
        print(figures)  # noqa: T201

    return tell
