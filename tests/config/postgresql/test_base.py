"""A connection that the server closed is noticed before it is used."""

import re
import select
import socket
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext

from accounts.models import User

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def other() -> Iterator[BaseDatabaseWrapper]:
    """A second connection, as another thread of the web server has one."""
    made = connections.create_connection("default")
    made.inc_thread_sharing()
    made.ensure_connection()
    yield made
    made.close()


def backend_pid(of: BaseDatabaseWrapper) -> int:
    with of.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        return int(cursor.fetchone()[0])


def close_by_server(of: BaseDatabaseWrapper) -> None:
    """Have the server close a connection, and wait until the client could notice."""
    poll = select.poll()
    poll.register(of.connection.fileno(), select.POLLIN)
    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s)", [backend_pid(of)])
    assert poll.poll(30_000)


def test_a_request_gets_a_new_connection_where_the_server_closed_the_old(
    other: BaseDatabaseWrapper,
) -> None:
    first = backend_pid(other)
    close_by_server(other)
    other.close_if_unusable_or_obsolete()  # what a request begins with
    assert backend_pid(other) != first


def test_an_open_connection_is_reused_without_a_query(other: BaseDatabaseWrapper) -> None:
    first = backend_pid(other)
    other.force_debug_cursor = True
    other.close_if_unusable_or_obsolete()
    assert other.is_usable()
    assert not other.queries_log
    assert backend_pid(other) == first


def test_after_an_error_the_server_is_asked_whether_the_connection_is_open(
    other: BaseDatabaseWrapper,
) -> None:
    close_by_server(other)
    with pytest.raises(OperationalError):
        backend_pid(other)
    assert not other.is_usable()
    other.close_if_unusable_or_obsolete()
    assert backend_pid(other)


def test_moments_are_in_utc_however_they_are_read(alice: User) -> None:
    users = User.objects.filter(pk=alice.pk).values_list("date_joined", flat=True)
    for moments in (list(users), list(users.iterator())):
        assert moments == [alice.date_joined]
        assert moments[0].tzinfo is UTC


def test_a_look_up_goes_on_after_an_error_and_on_a_new_connection(alice: User) -> None:
    assert User.objects.get_by_natural_key("alice") == alice
    wrapper: Any = connection
    with pytest.raises(DataError), transaction.atomic():
        wrapper.lookup_cursor().execute("select %s::int", ["x"])
    assert User.objects.get_by_natural_key("alice") == alice
    connection.close()
    assert User.objects.get_by_natural_key("alice") == alice
    with transaction.atomic():
        pid = backend_pid(connection)
        cursor = wrapper.lookup_cursor()
        cursor.execute("select pg_backend_pid()", [])
        assert cursor.fetchone() == (pid,)


def prepared_by(of: BaseDatabaseWrapper) -> list[str]:
    with of.cursor() as cursor:
        cursor.execute("select statement from pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall()]


def test_a_look_up_is_planned_once_for_each_connection(alice: User) -> None:
    connection.close()
    for _ in range(3):
        assert User.objects.get_by_natural_key("alice") == alice
    [statement] = prepared_by(connection)
    assert "accounts_user" in statement


def test_a_prepared_look_up_is_shown_with_its_value(alice: User) -> None:
    for _ in range(3):
        with CaptureQueriesContext(connection) as captured:
            assert User.objects.get_by_natural_key("alice") == alice
        [query] = captured.captured_queries
        assert query["sql"].endswith("= ('alice')")


class KeyProxy:
    """Passes a connection on, and introduces itself by a number of its own, as PgBouncer does."""

    KEY, OWN = re.compile(rb"K\x00\x00\x00\x0c.{8}", re.DOTALL), b"K\0\0\0\x0c\0\0\0\1mine"

    def __init__(self, host: str, port: int, folder: Path) -> None:
        self._server = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host, port)
        self.folder, self.port = folder, port
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / f".s.PGSQL.{port}"))
        self._listener.listen()
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        family = socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET
        with self._listener, client, socket.socket(family) as server:
            server.connect(self._server)
            while True:
                for readable in select.select([client, server], [], [])[0]:
                    content = readable.recv(65_536)
                    if not content:
                        return
                    if readable is client:
                        server.sendall(content)
                    else:
                        client.sendall(self.KEY.sub(self.OWN, content))


def test_behind_a_proxy_nothing_is_prepared(alice: User) -> None:
    """Its clients share connections, on which a name stands for whoever prepared it last."""
    connection.ensure_connection()
    info = connection.connection.info
    with TemporaryDirectory() as folder:  # whose name is short enough for a socket
        proxy = KeyProxy(info.host, info.port, Path(folder))
        settings = {**connection.settings_dict, "HOST": folder, "PORT": str(proxy.port)}
        behind: Any = type(connections["default"])(settings, "behind")
        try:
            for _ in range(3):
                cursor = behind.lookup_cursor()
                cursor.execute("select username from accounts_user where id = %s", [alice.pk])
                assert cursor.fetchone() == ("alice",)
            assert behind.connection.info.backend_pid == 1
            assert prepared_by(behind) == []
        finally:
            behind.close()


def test_a_look_up_goes_on_when_the_type_of_a_column_changes(other: Any) -> None:
    """As a migration does it that runs while requests are answered."""

    def look_up() -> Any:
        cursor = other.lookup_cursor()
        cursor.execute("select number from changing where id = %s", [1])
        return cursor.fetchone()[0]

    with other.cursor() as cursor:
        cursor.execute("create temporary table changing as select 1 as id, 7 as number")
    assert [look_up() for _ in range(3)] == [7, 7, 7]
    for kind, found in (("text", "7"), ("bigint", 7)):
        with other.cursor() as cursor:
            # By another connection's hand: psycopg knows what this one does.
            cursor.execute(
                f"do $$ begin alter table changing alter number type {kind}"
                " using number::{kind}; end $$".replace("{kind}", kind)
            )
        assert [look_up() for _ in range(3)] == [found] * 3
