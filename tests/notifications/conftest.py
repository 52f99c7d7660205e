from collections.abc import Iterator
from contextlib import closing

import pytest
from pytest_django import Settings

from tests.notifications.logouts.peers import Peer
from tests.notifications.sockets.clients import SocketServer, socket_server
from tests.notifications.sockets.in_process import Sockets
from tests.servers.rabbitmq import Broker


@pytest.fixture(scope="module")
def server(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SocketServer]:
    """A socket server on the test's database."""
    with socket_server(tmp_path_factory.mktemp("sockets")) as running:
        yield running


@pytest.fixture(scope="module")
def sockets(django_db_setup: None) -> Iterator[Sockets]:
    """Sockets in this process, on the test's database."""
    with closing(Sockets()) as made:
        yield made


@pytest.fixture
def broker(rabbitmq_server: Broker, settings: Settings) -> Iterator[Broker]:
    rabbitmq_server.start()
    settings.AMQP_URL = rabbitmq_server.url
    yield rabbitmq_server
    rabbitmq_server.start()


@pytest.fixture
def peer(broker: Broker) -> Iterator[Peer]:
    with closing(Peer(broker.url)) as made:
        yield made
