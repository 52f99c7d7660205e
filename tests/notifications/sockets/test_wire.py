"""What only a server shows of sockets: the handshake's status and headers, frames, close codes."""

import pytest
from websockets.exceptions import InvalidStatus

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.services import sign_out
from accounts.sessions import open_bearer_session, open_cookie_session
from accounts.token_authentication import authenticate_jwt
from images.services import update_picture
from tests.factories import make_picture
from tests.notifications.sockets.clients import SocketServer, bearer
from tests.waiting import are_prompt, record_duration

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def test_a_server_speaks_the_protocol_as_clients_do(server: SocketServer, alice: User) -> None:
    """One start of it, from the handshakes that it refuses to the end of a session."""
    pair = open_cookie_session(alice, RequestOrigin())
    cookies = {"Cookie": f"access_token=stale; refresh_token={pair.refresh}"}
    with (
        pytest.raises(InvalidStatus) as refused,
        server.open(additional_headers=cookies, origin="https://elsewhere.example"),
    ):
        pass
    assert refused.value.response.status_code == 403
    # The local run trusts every port of localhost.
    with server.open(additional_headers=cookies, origin="http://localhost:1") as socket:
        assert socket.connection.response is not None
        given = socket.connection.response.headers.get_all("Set-Cookie")
    assert [each.split("=")[0] for each in given] == ["access_token", "refresh_token"]

    with server.open(subprotocols=["bearer", "nonsense"]) as socket:
        assert socket.closed_with() == 4401
    token = open_bearer_session(alice, RequestOrigin())
    with server.open(subprotocols=["bearer", token], origin="https://elsewhere.example") as socket:
        assert socket.connection.subprotocol == "bearer"
        picture = make_picture(alice)
        assert socket.types(2) == ["picture.created", "thumbnails.ready"]
        update_picture(picture, description="\N{MOUNT FUJI}")
        assert socket.next()["picture"]["description"] == "\N{MOUNT FUJI}"

    took: list[float] = []
    for _ in range(5):
        token = open_bearer_session(alice, RequestOrigin())
        with server.open("?since=1", additional_headers=bearer(token)) as socket:
            assert socket.types(2) == ["thumbnails.ready", "picture.updated"]
            with record_duration(took):
                sign_out(authenticate_jwt(token, "bearer"))
                message = socket.next()
                assert socket.closed_with() == 4401
        assert (message["type"], message["id"]) == ("session.ended", 3)
    assert are_prompt(took), "another process tells this one of it"
