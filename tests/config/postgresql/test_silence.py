"""Who waits for a server that is silent, or hangs up, is told so, and nobody after them waits."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import Settings

from config.postgresql import silence
from config.postgresql.silence import DatabaseAway, DatabaseSilent, database_part
from tests.faults.deployment import until
from tests.faults.gate import Gate

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
POOL = {"min_size": 1, "max_size": 2, "timeout": 1, "reconnect_timeout": 0.2}
Connect: TypeAlias = Callable[[], BaseDatabaseWrapper]


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate before the test's own server."""
    server: Any = connections["default"].settings_dict
    [socket] = Path(server["HOST"]).glob(".s.PGSQL.*[0-9]")
    gate = Gate(socket)
    yield gate
    gate.shut()


@pytest.fixture
def connect(
    gate: Gate,
    request: pytest.FixtureRequest,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Connect]:
    """Connect through the gate, as a process that has found out nothing yet; by a pool if asked."""
    default: Any = connections.settings["default"]
    options = {key: value for key, value in default["OPTIONS"].items() if key != "pool"}
    if getattr(request, "param", ""):
        class_ = silence.WatchedConnection
        told = {"connection_class": class_, "reconnect_failed": silence.look_at_database}
        options["pool"] = POOL | told
    through = {"HOST": "127.0.0.1", "PORT": str(gate.port), "OPTIONS": options, "CONN_MAX_AGE": 0}
    monkeypatch.setitem(connections.settings, "default", default | through)
    monkeypatch.setattr("lib.parts.UNSTEADY_SECONDS", 0)
    monkeypatch.setattr(silence, "PATIENCE", 0.2)
    settings.IS_COMMAND = False
    made: list[Any] = []

    def connect() -> BaseDatabaseWrapper:
        wrapper = connections.create_connection("default")
        # Of this test alone: Django keeps pools by their alias.
        wrapper.alias = f"through {gate.port}"
        made.append(wrapper)
        wrapper.ensure_connection()
        return wrapper

    database_part.cache_clear()
    yield connect
    gate.open()
    until(lambda: not database_part().is_away, "the server is there again")
    for wrapper in made:
        wrapper.close()
    if "pool" in options:
        made[0].close_pool()
    database_part.cache_clear()


def ask(wrapper: BaseDatabaseWrapper) -> int:
    with wrapper.cursor() as cursor:
        cursor.execute("select 1")
        return int(cursor.fetchone()[0])


@pytest.mark.unhurried
@pytest.mark.parametrize("mode", ["silent", "stalled"])
def test_a_statement_ends_when_the_server_falls_silent(
    connect: Connect, gate: Gate, mode: Any
) -> None:
    wrapper = connect()
    assert ask(wrapper) == 1
    gate.set_mode(mode)
    with pytest.raises(OperationalError) as caught:
        ask(wrapper)
    assert isinstance(caught.value.__cause__, DatabaseSilent)
    with pytest.raises(OperationalError) as caught:
        connect()
    assert isinstance(caught.value.__cause__, DatabaseAway)


@pytest.mark.unhurried
def test_a_slow_statement_is_no_silence(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "PATIENCE", 0.2)
    wrapper = connect()
    with wrapper.cursor() as cursor:
        cursor.execute("select pg_sleep(1)")
    assert ask(wrapper) == 1
    assert not database_part().is_away


@pytest.mark.unhurried
@pytest.mark.parametrize("connect", ["pool"], indirect=True)
@pytest.mark.parametrize("mode", ["half-closed", "cut"])
def test_nobody_waits_for_a_pool_whose_server_refuses(
    connect: Connect, gate: Gate, mode: Any
) -> None:
    connect().close()
    gate.set_mode(mode)
    # The connection that the pool has is dead, and no other is to be had.
    with pytest.raises(OperationalError):
        ask(connect())
    until(lambda: database_part().is_away, "it is known to be away")
    with pytest.raises(OperationalError) as caught:
        connect()
    assert isinstance(caught.value.__cause__, DatabaseAway)
    gate.open()
    until(lambda: not database_part().is_away, "it is there again")
    assert ask(connect()) == 1


@pytest.mark.parametrize("mode", ["half-closed", "cut"])
def test_without_a_pool_a_server_that_refuses_is_tried_each_time(
    connect: Connect, gate: Gate, mode: Any
) -> None:
    gate.set_mode(mode)
    for _ in range(2):
        with pytest.raises(OperationalError) as caught:
            connect()
        assert not isinstance(caught.value.__cause__, DatabaseAway)
    gate.open()
    assert ask(connect()) == 1
