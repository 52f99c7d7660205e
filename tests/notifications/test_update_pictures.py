"""The socket in the pictures service's format, `update-pictures`."""

from typing import Any

import pytest

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.services import activate, delete_all, delete_picture
from tests.clients import Client
from tests.factories import bearer_client, make_picture
from tests.notifications.sockets.clients import Socket, SocketServer, bearer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
FORMAT = "?format=update-pictures"


def current_pictures(user: User) -> Any:
    return bearer_client(user).get(f"/pictures/get-user-pictures/{user.pk}").json()


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
        until(socket, current_pictures(alice))
        second = make_picture(alice)
        until(socket, current_pictures(alice))
        activate(first)
        until(socket, current_pictures(alice))
        delete_picture(second)
        until(socket, current_pictures(alice))
        delete_all(alice.pk)
        until(socket, [])


def test_the_message_holds_the_contracts_picture_object(server: SocketServer, alice: User) -> None:
    with server.of(alice, FORMAT) as socket:
        picture = make_picture(alice)
        [received] = socket.next()["message"]
    assert set(received) == {"id", "is_active", "path", "createdAt", "updatedAt", "user_id"}
    assert (received["id"], received["path"]) == (picture.pk, picture.file_name)


def test_a_client_that_missed_events_gets_the_pictures_at_once(
    server: SocketServer, alice: User
) -> None:
    make_picture(alice)
    with server.of(alice, f"{FORMAT}&since=0") as socket:
        until(socket, current_pictures(alice))


def test_an_ended_session_closes_this_socket_too(server: SocketServer, alice: User) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    with server.open(FORMAT, additional_headers=bearer(token)) as socket:
        assert Client(headers=bearer(token)).get("/auth/signout").status_code == 200
        assert socket.closed_with() == 4401
