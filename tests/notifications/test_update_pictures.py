"""The pictures service's clients: the same socket, in their contract's words."""

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


def listed(user: User) -> Any:
    return bearer_client(user).get(f"/pictures/get-user-pictures/{user.pk}").json()


def until(socket: Socket, wanted: object) -> None:
    """Read until the client's view is as wanted: changes that come at once may be said once."""
    said = None
    while said != wanted:
        told = socket.next()
        assert set(told) == {"event", "message"}
        assert told["event"] == "update-pictures"
        said = told["message"]


def test_every_change_brings_the_pictures_as_they_are_now(
    server: SocketServer, alice: User
) -> None:
    with server.of(alice, FORMAT) as socket:
        first = make_picture(alice)
        until(socket, listed(alice))
        second = make_picture(alice)
        until(socket, listed(alice))
        activate(first)
        until(socket, listed(alice))
        delete_picture(second)
        until(socket, listed(alice))
        delete_all(alice.pk)
        until(socket, [])


def test_the_message_holds_the_contracts_picture_object(server: SocketServer, alice: User) -> None:
    with server.of(alice, FORMAT) as socket:
        picture = make_picture(alice)
        [said] = socket.next()["message"]
    assert set(said) == {"id", "is_active", "path", "createdAt", "updatedAt", "user_id"}
    assert (said["id"], said["path"]) == (picture.pk, picture.file_name)


def test_whoever_was_away_gets_the_pictures_at_once(server: SocketServer, alice: User) -> None:
    make_picture(alice)
    with server.of(alice, f"{FORMAT}&since=0") as socket:
        until(socket, listed(alice))


def test_a_session_that_ends_closes_this_socket_too(server: SocketServer, alice: User) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    with server.open(FORMAT, additional_headers=bearer(token)) as socket:
        assert Client(headers=bearer(token)).get("/auth/signout").status_code == 200
        assert socket.closed_with() == 4401
