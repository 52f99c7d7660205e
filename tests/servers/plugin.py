"""Gives pytest its servers; load it with `-p tests.servers.plugin`, before Django's settings.

Each process of a test run, parallel or not, has servers of its own. Valkey is up before the first
test, because every test empties the cache; the others start when the first test asks for their
fixture: `postgres_server` (Django's test database does), `rabbitmq_server` and `s3_server`.
"""

import os
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from devkit import valkey
from devkit.children import Reaper, which
from devkit.environment import ROOT
from devkit.messages import Refusal
from tests.forking.own_settings import renew_settings
from tests.servers import (
    loaded_python,
    migrated,
    nginx,
    npm,
    once,
    ports,
    postgres,
    programs,
    rabbitmq,
    s3,
)
from tests.servers.rabbitmq import Broker

_database = pytest.StashKey["Database"]()
_sources = pytest.StashKey[dict[str, str]]()
_traced = pytest.StashKey[dict[int, tuple[BaseException, str]]]()
_template = pytest.StashKey["Template"]()
# Of the database that is made once for all processes, which copy it.
TEMPLATE = "tintype_template"


@dataclass(frozen=True)
class Database:
    """Where the tests' database is; `server` is there when it is this run's own PostgreSQL."""

    url: str
    source: str
    server: postgres.Postgres | None = None


@dataclass(frozen=True)
class Template:
    """A migrated database on a server for all processes, while it is made."""

    database: Database
    migration: subprocess.Popen[bytes]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Set the variables that Django's settings read; pytest-django reads them in this very hook."""
    options = early_config.known_args_namespace
    if not (options.help or options.version):
        try:
            _prepare(early_config, forks=bool(options.processes and not options.collectonly))
        except (Refusal, RuntimeError) as error:
            raise pytest.UsageError(str(error)) from None
    return (yield)


def _prepare(config: pytest.Config, *, forks: bool) -> None:
    """Start what the tests need from the beginning; where this process `forks`, for all others."""
    reaper = Reaper()
    config.add_cleanup(reaper.close)
    config.stash[_sources] = {"valkey": _valkey_source(), "database": _database_source()}
    _set_folder_and_names(reaper, "main")
    once.choose_folder(reaper)
    loaded_python.start_for_all(reaper)
    if not forks:
        _start_valkey(reaper)
        config.stash[_database] = _choose_database(reaper)
        os.environ["DATABASE_URL"] = config.stash[_database].url
        return
    # Threads of a library would not be there in a forked process.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    if _database_source() not in {"SQLite", "DATABASE_URL"}:
        config.stash[_template] = _make_template(reaper)
        os.environ["DATABASE_URL"] = config.stash[_template].database.url


def _set_folder_and_names(reaper: Reaper, process: str) -> None:
    # Never the folder that the shell names: it may hold somebody's pictures.
    os.environ["DATA_DIR"] = str(reaper.make_folder("tintype-data-"))
    # A given REDIS_URL is shared by all processes.
    os.environ["CACHE_PREFIX"] = os.environ["CELERY_QUEUE"] = f"tintype-test-{process}"


def _make_template(reaper: Reaper) -> Template:
    """Start a server, and the migration of its template, which runs while tests are collected."""
    database = _choose_database(reaper)
    assert database.server
    database.server.start()
    url = database.server.url_of(TEMPLATE)
    with psycopg.connect(database.server.url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    environment = os.environ | {
        "LOCAL": "on", "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings",
    }  # fmt: skip
    # The first program of that python, which so learns what to load for those that follow.
    python = loaded_python.find()
    command = [python, "manage.py", "migrate", "--no-input", "--verbosity=0"]
    migration = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)
    return Template(database, migration)


def finish_template(config: pytest.Config) -> None:
    """Wait until the template is there; raise UsageError where it cannot be made."""
    if (template := config.stash.get(_template, None)) and template.migration.wait():
        raise pytest.UsageError("the database of the tests cannot be migrated")


def prepare_forked(config: pytest.Config, number: int, database: str) -> Reaper:
    """Give a forked process a folder, names and servers of its own, and the settings with them.

    The PostgreSQL of the process that forked is for all; `database` may be sqlite instead.
    """
    process = f"fork{number}"
    os.environ[ports.PROCESS] = str(number)
    reaper = Reaper()
    _set_folder_and_names(reaper, process)
    _start_valkey(reaper)
    if database:
        os.environ["TEST_DATABASE"] = database
    config.stash[_database] = _own_database(config, reaper, process)
    os.environ["DATABASE_URL"] = config.stash[_database].url
    renew_settings()
    Path(os.environ["DATA_DIR"], "work").mkdir(exist_ok=True)
    return reaper


def _own_database(config: pytest.Config, reaper: Reaper, process: str) -> Database:
    """Return a database of a forked process; the server is no child of it, and runs already."""
    template = config.stash.get(_template, None)
    if _database_source() == "SQLite":
        database = _choose_database(reaper)
        migrated.copy_migrated_database(Path(urlsplit(database.url).path))
        # As if an earlier run had left it there.
        config.option.reuse_db = True
        return database
    if template:
        os.environ["TEST_TEMPLATE"] = TEMPLATE
        # Its server goes as a whole: no database needs to be dropped before.
        config.option.reuse_db = True
    shared = urlsplit(os.environ["DATABASE_URL"])
    own = shared._replace(path=f"{shared.path}_{process}").geturl()
    return Database(own, template.database.source if template else "DATABASE_URL")


def _valkey_source() -> str:
    return "REDIS_URL" if os.environ.get("REDIS_URL") else valkey.find().source


def _start_valkey(reaper: Reaper) -> None:
    if not os.environ.get("REDIS_URL"):
        server = valkey.Valkey(reaper, valkey.find())
        server.wait(server.start())
        os.environ["REDIS_URL"] = server.url


def _database_source() -> str:
    if os.environ.get("TEST_DATABASE") == "sqlite":
        return "SQLite"
    return "DATABASE_URL" if os.environ.get("DATABASE_URL") else postgres.find().source


def _choose_database(reaper: Reaper) -> Database:
    source = _database_source()
    if source == "SQLite":
        folder = reaper.make_folder("tintype-sqlite-")
        return Database(f"sqlite://{folder}/db.sqlite3", source)
    if source == "DATABASE_URL":
        return Database(os.environ["DATABASE_URL"], source)
    server = postgres.Postgres(reaper)
    return Database(server.url, source, server)


def pytest_report_header(config: pytest.Config) -> str:
    up = ", ".join(f"{name}: {source}" for name, source in config.stash[_sources].items())
    found = [f"{each.name}: {each.source() or 'not installed'}" for each in programs.PROGRAMS]
    on_demand = ", ".join([f"S3: {s3.SOURCE}", *found])
    return f"servers: {up}; when a test asks: {on_demand}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    programs.require(config, items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the traceback of a failed set-up that many tests share once, then a line."""
    report = yield
    if call.when == "setup" and call.excinfo and report.failed:
        traced = item.config.stash.setdefault(_traced, {})
        error = call.excinfo.value
        _, first = traced.setdefault(id(error), (error, item.nodeid))
        if first != item.nodeid:
            report.longrepr = f"{call.excinfo.exconly()}\nThe same set-up failed for {first}."
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    programs.report_not_run(terminalreporter, config)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    programs.finish(session)


@contextmanager
def _starting(what: str) -> Iterator[None]:
    """Let the tests of a server that does not start fail in one line each."""
    try:
        yield
    except (Refusal, RuntimeError) as error:
        pytest.fail(f"{what} did not start: {error}", pytrace=False)


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Database:
    """The database, also when that is SQLite or DATABASE_URL's; started where it is ours."""
    database = pytestconfig.stash[_database]
    if database.server:
        with _starting("PostgreSQL"):
            database.server.start()
    return database


@pytest.fixture(scope="session")
def reaper() -> Iterator[Reaper]:
    """Ends what a test session started, also when pytest is killed."""
    with Reaper() as reaper:
        yield reaper


@pytest.fixture(scope="session")
def quick_python() -> Path:
    """A `python` for programs that run to their end, whose libraries are loaded once for all."""
    return Path(loaded_python.find())


@pytest.fixture(scope="session")
def rabbitmq_server(reaper: Reaper) -> Broker:
    """A broker with `url`, `stop`, `kill`, `start` and `restart`; leave it running."""
    if url := os.environ.get("AMQP_URL"):
        return rabbitmq.ExternalRabbitMQ(url)
    with _starting("RabbitMQ"):
        return rabbitmq.RabbitMQ(reaper)


@pytest.fixture(scope="session")
def nginx_program() -> str:
    """Where nginx is; a test that asks for a program runs only where there is one."""
    return str(nginx.find())


@pytest.fixture(scope="session")
def chromium_program() -> str:
    return str(programs.find_chromium())


@pytest.fixture(scope="session")
def compose_program() -> str:
    """Where `docker-compose` is; `config` asks for no Docker."""
    return str(which("docker-compose"))


@pytest.fixture(scope="session")
def exiftool_program() -> str:
    """Where exiftool is."""
    return str(which("exiftool"))


@pytest.fixture(scope="session")
def debian_postgres() -> postgres.Programs:
    """Debian's own PostgreSQL, of an older major version than the one that tests use."""
    found = postgres.find_debian()
    assert found
    return found


@pytest.fixture(scope="session")
def promtool_program() -> None:
    """For tests that read alerts and metrics as Prometheus does."""


@pytest.fixture(scope="session")
def caddy_program() -> None:
    """For tests with a proxy in front of nginx."""


@pytest.fixture(scope="session")
def wget_program() -> None:
    """For tests that run the health checks of docker-compose.yml."""


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Where npm's packages of `tests/npm/pages` lie."""
    return npm.PAGES.folder / "node_modules"


@pytest.fixture(scope="session")
def client_modules() -> Path:
    """Where npm's packages of `tests/npm/clients` lie, whose commands `node_environment` finds."""
    return npm.CLIENTS.folder / "node_modules"


@pytest.fixture(scope="session")
def s3_server(reaper: Reaper) -> s3.S3:
    """An S3 server with `endpoint_url`, `access_key`, `secret_key`, `client`, `make_bucket`."""
    with _starting("The S3 server"):
        return s3.S3(reaper)
