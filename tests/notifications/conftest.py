from contextlib import closing

import pytest

from tests.notifications.logouts.peers import Peer
from tests.notifications.sockets.clients import socket_server


@pytest.fixture(scope="module")
def server(django_db_setup, tmp_path_factory):
    """A socket server on the test's database."""
    with socket_server(tmp_path_factory.mktemp("sockets")) as running:
        yield running


@pytest.fixture
def broker(rabbitmq_server, settings):
    rabbitmq_server.start()
    settings.AMQP_URL = rabbitmq_server.url
    yield rabbitmq_server
    rabbitmq_server.start()


@pytest.fixture
def peer(broker):
    with closing(Peer(broker.url)) as made:
        yield made
