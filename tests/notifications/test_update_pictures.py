"""The socket in the pictures service's format, `update-pictures`."""

from typing import Any

import pytest

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.services import activate, delete_picture
from tests.clients import Client
from tests.factories import bearer_client, make_picture
from tests.notifications.sockets.clients import Socket, SocketServer, bearer
from tests.pictures import jpeg
from thumbnails.deletion import delete_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
FORMAT = "?format=update-pictures"


def public_host(server: SocketServer) -> str:
    return server.url.rpartition("/")[2].replace("127.0.0.1", "localhost")


def current_pictures(user: User, server: SocketServer) -> Any:
    host = public_host(server)
    address = f"/pictures/get-user-pictures/{user.pk}"
    return bearer_client(user).get(address, headers={"Host": host}).json()


def until(socket: Socket, expected: object) -> None:
    """Read until a message is as expected: simultaneous changes may share one message."""
    received = None
    while received != expected:
        message = socket.next()
        assert set(message) == {"event", "message"}
        assert message["event"] == "update-pictures"
        received = message["message"]


def test_every_change_sends_the_current_pictures(server: SocketServer, alice: User) -> None:
    with server.of(alice, FORMAT) as socket:
        first = make_picture(alice)
        until(socket, current_pictures(alice, server))
        second = make_picture(alice)
        until(socket, current_pictures(alice, server))
        activate(first)
        until(socket, current_pictures(alice, server))
        delete_picture(second)
        until(socket, current_pictures(alice, server))
        delete_all(alice.pk)
        until(socket, [])


def test_the_message_holds_the_contracts_picture_object(server: SocketServer, alice: User) -> None:
    with server.of(alice, FORMAT) as socket:
        picture = make_picture(alice)
        [received] = socket.next()["message"]
    assert list(received) == [
        "id", "is_active", "path", "createdAt", "updatedAt", "user_id", "url",
    ]  # fmt: skip
    assert (received["id"], received["path"]) == (picture.pk, picture.file_name)
    address = received["url"].removeprefix(f"http://{public_host(server)}")
    assert address.startswith("/images/")
    opened = Client().get(address)
    assert (opened.status_code, opened.getvalue()) == (200, jpeg(60, 40))


def test_a_client_that_missed_events_gets_the_pictures_at_once(
    server: SocketServer, alice: User
) -> None:
    make_picture(alice)
    with server.of(alice, f"{FORMAT}&since=0") as socket:
        until(socket, current_pictures(alice, server))


def test_an_ended_session_closes_this_socket_too(server: SocketServer, alice: User) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    with server.open(FORMAT, additional_headers=bearer(token)) as socket:
        assert Client(headers=bearer(token)).get("/auth/signout").status_code == 200
        assert socket.closed_with() == 4401
