"""Bound sockets under bursts of writes, stuck readers and an outage of PostgreSQL."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from django.db import connection, transaction
from psycopg import sql
from psycopg.conninfo import make_conninfo

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.models import Picture
from images.services import activate
from tests.api.pictures_service.socketio.clients import NodeClient, PollingClient, node_client
from tests.config.observability.scraping import TOKEN, parse_metrics
from tests.factories import make_picture
from tests.notifications.sockets.clients import RawClient, SocketServer, bearer, socket_server
from tests.rows import write_pictures
from tests.waiting import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.nightly,
]
BURST, MANY = 50, 12
# A text frame of two bytes, masked by nothing: `CONNECT`.
CONNECT_FRAME = b"\x81\x82\0\0\0\x0040"


@pytest.fixture(scope="module")
def node(node_modules: Path) -> Iterator[NodeClient]:
    with node_client(node_modules) as running:
        yield running


@pytest.fixture(scope="module")
def server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SocketServer]:
    folder = tmp_path_factory.mktemp("impatient")
    application = "tests.api.pictures_service.socketio.impatient"
    options = ["--timeout-graceful-shutdown", "1"]
    with socket_server(folder, *options, application=application, METRICS_TOKEN=TOKEN) as running:
        yield running


def token_of(user: User) -> str:
    return open_bearer_session(user, RequestOrigin())


def count_open_sockets(server: SocketServer) -> float:
    answer = requests.get(f"{server.url}/metrics", headers=bearer(TOKEN), timeout=10)
    return parse_metrics(answer.text)("tintype_open_sockets")


def is_count(server: SocketServer, count: int) -> bool:
    return until(lambda: count_open_sockets(server) == count, 30, server.log.read_text)


@contextmanager
def stopped(server: SocketServer) -> Iterator[None]:
    """Let a server do nothing for a while."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


def test_a_burst_of_writes_shares_a_message(
    node: NodeClient, server: SocketServer, alice: User
) -> None:
    first, second = make_picture(alice), make_picture(alice)
    node.open("burst", server.url, auth={"token": token_of(alice)})
    node.next_of("burst", "connect")
    # It hears of all writes when it goes on, however slowly each is told of on a busy machine.
    with stopped(server), transaction.atomic():
        for number in range(BURST):
            activate([first, second][number % 2])
    messages = node.messages("burst", 2)
    assert 1 <= len(messages) < BURST / 2
    assert [each["id"] for each in messages[-1] if each["is_active"]] == [second.pk]
    node.close("burst")


def test_what_a_reader_has_yet_to_take_shares_a_message_and_who_never_answers_is_dropped(
    node: NodeClient, server: SocketServer, alice: User
) -> None:
    """A queue holds one message at most, which for a WebSocket lies before the system's buffers."""
    pictures = list(Picture.objects.filter(pk__in=write_pictures(alice, 100, heights=[200])))
    assert is_count(server, 0)
    stuck = RawClient(server, token_of(alice), "/socket.io/?EIO=4&transport=websocket")
    stuck.connection.sendall(CONNECT_FRAME)
    late = PollingClient(server, **bearer(token_of(alice)))
    assert late.connect()
    node.open("quick", server.url, auth={"token": token_of(alice)})
    node.next_of("quick", "connect")
    assert is_count(server, 3)
    for picture in pictures[:MANY]:
        activate(picture)
        while not is_active(picture.pk, node.pictures("quick")):
            pass
    # The state at first, at the second poll, and once more for what came before that.
    with late.session:
        messages = late.messages(1)
    assert 2 <= len(messages) <= 3
    assert is_active(picture.pk, messages[-1])
    assert is_count(server, 1), "pings went unanswered"
    stuck.connection.close()
    node.close("quick")


def is_active(picture_id: int, shown: list[dict[str, Any]]) -> bool:
    return picture_id in {each["id"] for each in shown if each["is_active"]}


@contextmanager
def no_database() -> Iterator[None]:
    """Let nobody but the test reach its database."""
    connection.ensure_connection()
    own: psycopg.Connection = connection.connection
    name = str(connection.settings_dict["NAME"])
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    address = make_conninfo(own.info.dsn, dbname="postgres")
    with psycopg.connect(address, autocommit=True) as maintenance:
        maintenance.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        try:
            maintenance.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND pid <> %s",
                [name, own.info.backend_pid],
            )
            yield
        finally:
            maintenance.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


@pytest.mark.postgres
def test_the_database_may_go_away_and_come_back(
    node: NodeClient, server: SocketServer, alice: User
) -> None:
    token = token_of(alice)
    make_picture(alice)
    node.open("bound", server.url, auth={"token": token})
    node.next_of("bound", "connect")
    with no_database():
        make_picture(alice)
        assert node.hears_nothing("bound", 1)
        node.open("comes", server.url, auth={"token": token})
    assert len(node.pictures("bound")) == 2, "the connection was kept"
    node.skip_to("comes", "connect")
    make_picture(alice)
    for name in ("bound", "comes"):
        assert len(node.pictures(name)) == 3
        node.close(name)
