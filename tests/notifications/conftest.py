import pytest

from tests.notifications.sockets import socket_server


@pytest.fixture(scope="module")
def server(django_db_setup, tmp_path_factory):
    """A socket server on the test's database."""
    with socket_server(tmp_path_factory.mktemp("sockets")) as running:
        yield running
