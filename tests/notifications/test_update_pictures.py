"""The socket in the pictures service's format, `update-pictures`."""

from typing import Any

import pytest

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from images.services import activate, delete_picture
from tests.clients import Client
from tests.factories import bearer_client, make_picture
from tests.notifications.sockets.clients import bearer
from tests.notifications.sockets.in_process import HOST, Socket, Sockets
from tests.pictures import jpeg
from thumbnails.deletion import delete_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
FORMAT = "?format=update-pictures"


def current_pictures(user: User) -> Any:
    address = f"/pictures/get-user-pictures/{user.pk}"
    return bearer_client(user).get(address, headers={"Host": HOST}).json()


def until(socket: Socket, expected: object) -> None:
    """Read until a message is as expected: simultaneous changes may share one message."""
    received = None
    while received != expected:
        message = socket.next()
        assert set(message) == {"event", "message"}
        assert message["event"] == "update-pictures"
        received = message["message"]


def test_every_change_sends_the_current_pictures(sockets: Sockets, alice: User) -> None:
    with sockets.of(alice, FORMAT) as socket:
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


def test_the_message_holds_the_contracts_picture_object(sockets: Sockets, alice: User) -> None:
    with sockets.of(alice, FORMAT) as socket:
        picture = make_picture(alice)
        [received] = socket.next()["message"]
    assert list(received) == [
        "id", "is_active", "path", "createdAt", "updatedAt", "user_id", "url",
    ]  # fmt: skip
    assert (received["id"], received["path"]) == (picture.pk, picture.file_name)
    address = received["url"].removeprefix(f"http://{HOST}")
    assert address.startswith("/images/")
    opened = Client().get(address)
    assert (opened.status_code, opened.getvalue()) == (200, jpeg(60, 40))


def test_a_client_that_missed_events_gets_the_pictures_at_once(
    sockets: Sockets, alice: User
) -> None:
    make_picture(alice)
    with sockets.of(alice, f"{FORMAT}&since=0") as socket:
        until(socket, current_pictures(alice))


def test_an_ended_session_closes_this_socket_too(sockets: Sockets, alice: User) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    with sockets.open(FORMAT, additional_headers=bearer(token)) as socket:
        assert Client(headers=bearer(token)).get("/auth/signout").status_code == 200
        assert socket.closed_with() == 4401
