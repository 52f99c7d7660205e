"""Sockets of a real server, from the handshake to the close code."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.services import disable, sign_out
from accounts.sessions import open_api_token_session, open_bearer_session, open_cookie_session
from accounts.token_authentication import authenticate_jwt
from images.services import activate, delete_picture, update_picture
from notifications.models import PictureEvent
from tests.clients import Client
from tests.factories import make_picture, make_staff, make_user, replace_password
from tests.notifications.sockets.clients import Socket, SocketServer, bearer
from tests.thumbnails.rows import use_up_attempts
from tests.waiting import are_prompt, record_duration
from thumbnails.deletion import delete_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def test_every_change_of_a_picture_is_sent(server: SocketServer, alice: User) -> None:
    with server.of(alice) as socket:
        picture = make_picture(alice)
        assert socket.types(2) == ["picture.created", "thumbnails.ready"]
        update_picture(picture, description="A hill")
        message = socket.next()
        assert (message["type"], message["picture"]["description"]) == ("picture.updated", "A hill")
        activate(picture)
        message = socket.next()
        assert (message["type"], message["picture"]["is_active"]) == ("picture.activated", True)
        delete_picture(picture)
        message = socket.next()
        assert message["type"] == "picture.deleted"
        assert message["user_id"] == str(alice.pk)
        assert message["id"] == 5


def test_deleting_all_pictures_is_sent_once(server: SocketServer, alice: User) -> None:
    make_picture(alice)
    make_picture(alice)
    with server.of(alice) as socket:
        delete_all(alice.pk)
        message = socket.next()
    assert message["type"] == "pictures.cleared"
    assert "picture" not in message


def test_failed_thumbnails_are_sent(server: SocketServer, alice: User, tmp_path: Path) -> None:
    with server.of(alice) as socket:
        picture = make_picture(alice)
        assert socket.types(2) == ["picture.created", "thumbnails.ready"]
        use_up_attempts(picture)
        from thumbnails.services import ensure_thumbnails

        ensure_thumbnails(picture.pk)
        message = socket.next()
        assert (message["type"], message["picture"]["thumbnails"]) == (
            "thumbnails.failed",
            "failed",
        )


def test_events_of_another_account_are_not_sent(
    server: SocketServer, alice: User, bob: User
) -> None:
    with server.of(bob) as socket:
        make_picture(alice)
        own = make_picture(bob)
        assert socket.next()["picture"]["id"] == own.pk


def test_missed_events_are_replayed_before_new_ones(server: SocketServer, alice: User) -> None:
    make_picture(alice)
    make_picture(alice)
    with server.of(alice, "?since=1") as socket:
        assert [socket.next()["id"] for _ in range(3)] == [2, 3, 4]
        make_picture(alice)
        assert [socket.next()["id"] for _ in range(2)] == [5, 6]


def test_without_since_only_new_events_are_sent(server: SocketServer, alice: User) -> None:
    make_picture(alice)
    with server.of(alice) as socket:
        make_picture(alice)
        assert socket.next()["id"] == 3


@pytest.mark.parametrize("since", [0, 1, 99])
def test_a_client_that_asks_for_purged_events_gets_events_reset(
    server: SocketServer, alice: User, since: int
) -> None:
    make_picture(alice)
    make_picture(alice)
    PictureEvent.objects.filter(sequence__lte=2).delete()
    with server.of(alice, f"?since={since}") as socket:
        message = socket.next()
        assert (message["type"], message["id"]) == ("events.reset", 4)
        make_picture(alice)
        assert socket.next()["id"] == 5


def test_staff_may_open_the_events_of_an_account(
    server: SocketServer, alice: User, staff: User
) -> None:
    with server.of(staff, f"?user={alice.pk}") as socket:
        make_picture(alice)
        assert socket.next()["user_id"] == str(alice.pk)


def test_an_api_token_opens_a_socket(server: SocketServer, alice: User) -> None:
    key = open_api_token_session(alice, RequestOrigin())
    with server.open(additional_headers={"Authorization": f"Token {key}"}) as socket:
        make_picture(alice)
        assert socket.next()["id"] == 1


def test_a_token_opens_a_socket_with_the_scope_read_alone(
    server: SocketServer, alice: User
) -> None:
    for scopes, code in (["read"], None), (["upload", "change", "links", "account"], 4403):
        key = open_api_token_session(alice, RequestOrigin())
        Session.objects.filter(ended_at=None).update(scopes=scopes)
        with server.open(additional_headers={"Authorization": f"Token {key}"}) as socket:
            if code:
                assert socket.closed_with() == code
            else:
                make_picture(alice)
                assert socket.next()["id"] == 1


def test_a_subprotocol_carries_the_token_of_another_origin(
    server: SocketServer, alice: User
) -> None:
    offered = ["bearer", open_bearer_session(alice, RequestOrigin())]
    with server.open(subprotocols=offered, origin="https://elsewhere.example") as socket:
        assert socket.connection.subprotocol == "bearer"
        make_picture(alice)
        assert socket.next()["id"] == 1


def cookie_headers(user: User) -> dict[str, str]:
    pair = open_cookie_session(user, RequestOrigin())
    return {"Cookie": f"access_token={pair.access}; refresh_token={pair.refresh}"}


@pytest.mark.parametrize("origin", ["{here}", "http://localhost:1"], ids=["own", "trusted"])
def test_cookies_open_a_socket_from_pages_of_the_service_and_of_trusted_origins(
    server: SocketServer, alice: User, origin: str
) -> None:
    """The local run trusts every port of localhost."""
    page = origin.format(here=server.url)
    with server.open(additional_headers=cookie_headers(alice), origin=page) as socket:
        make_picture(alice)
        assert socket.next()["id"] == 1


@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "null", "http://127.0.0.1:1", "https://{here}"]
)
def test_another_sites_page_cannot_use_the_cookies(
    server: SocketServer, alice: User, origin: str
) -> None:
    headers = cookie_headers(alice)
    with (
        pytest.raises(InvalidStatus) as refused,
        server.open(additional_headers=headers, origin=origin.format(here=server.url[7:])),
    ):
        pass
    assert refused.value.response.status_code == 403


def test_a_proxys_credential_is_passed_over(server: SocketServer, alice: User) -> None:
    proxys = {"Authorization": "Basic dXNlcjpwYXNz"}
    offered = ["bearer", open_bearer_session(alice, RequestOrigin())]
    for headers, protocols in ((proxys | cookie_headers(alice), None), (proxys, offered)):
        with server.open(
            additional_headers=headers, subprotocols=protocols, origin=server.url
        ) as socket:
            make_picture(alice)
            assert socket.next()["type"] == "picture.created"
    both = proxys | cookie_headers(alice)
    with (
        pytest.raises(InvalidStatus),
        server.open(additional_headers=both, origin="https://elsewhere.example"),
    ):
        pass


def test_a_slash_less_changes_nothing(server: SocketServer, alice: User) -> None:
    with connect(server.address.rstrip("/"), additional_headers=cookie_headers(alice)) as opened:
        make_picture(alice)
        assert Socket(opened).next()["type"] == "picture.created"


def test_an_expired_access_cookie_is_renewed_by_the_handshake(
    server: SocketServer, alice: User
) -> None:
    pair = open_cookie_session(alice, RequestOrigin())
    headers = {"Cookie": f"access_token=stale; refresh_token={pair.refresh}"}
    with server.open(additional_headers=headers, origin=server.url) as socket:
        assert socket.connection.response is not None
        given = socket.connection.response.headers.get_all("Set-Cookie")
    names = {each.split("=")[0]: each.split("=")[1].split(";")[0] for each in given}
    assert set(names) == {"access_token", "refresh_token"}
    assert authenticate_jwt(names["access_token"], "access").user == alice


REFUSALS = [
    ("", {}, 4401),
    ("", bearer("nonsense"), 4401),
    ("?token={token}&access_token={token}", {}, 4401),
    ("?user={other}", "good", 4403),
    ("?user=nobody", "good", 4400),
    ("?since=-1", "good", 4400),
    ("?since=1&since=2", "good", 4400),
    ("?format=other", "good", 4400),
]


@pytest.mark.parametrize(("query", "headers", "code"), REFUSALS)
def test_a_refusal_has_its_close_code(
    server: SocketServer,
    alice: User,
    bob: User,
    query: str,
    headers: dict[str, str] | str,
    code: int,
) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    query = query.format(token=token, other=bob.pk)
    headers = bearer(token) if headers == "good" else headers
    with server.open(query, additional_headers=headers) as socket:
        assert socket.closed_with() == code


def test_a_refused_browser_that_offered_a_token_sees_the_close_code(
    server: SocketServer, db: None
) -> None:
    with server.open(subprotocols=["bearer", "nonsense"]) as socket:
        assert socket.closed_with() == 4401


def test_staff_without_the_permission_may_watch_nobody_else(
    server: SocketServer, alice: User
) -> None:
    with server.of(make_staff("clerk", "images.delete_picture"), f"?user={alice.pk}") as socket:
        assert socket.closed_with() == 4403


def test_staff_get_a_close_code_for_an_unknown_account(server: SocketServer, staff: User) -> None:
    with server.of(staff, f"?user={uuid.uuid4()}") as socket:
        assert socket.closed_with() == 4404


def test_no_other_url_has_a_socket(server: SocketServer, alice: User) -> None:
    headers = bearer(open_bearer_session(alice, RequestOrigin()))
    server.address.replace("pictures", "other")
    from websockets.sync.client import connect

    with (
        pytest.raises(InvalidStatus) as refused,
        connect(server.address.replace("pictures", "other"), additional_headers=headers),
    ):
        pass
    assert refused.value.response.status_code == 403


def sign_out_by_token(user: User, token: str) -> None:
    sign_out(authenticate_jwt(token, "bearer"))


def sign_out_over_http(user: User, token: str) -> None:
    answer = Client(headers=bearer(token)).get("/auth/signout")
    assert answer.status_code == 200


def receive_logout(user: User, token: str) -> None:
    from notifications.logouts.messages import handle_messages

    handle_messages([b'{"type": "logout", "message": "bearer %s"}' % token.encode()])


ENDINGS = [
    sign_out_by_token,
    sign_out_over_http,
    receive_logout,
    lambda user, token: replace_password(user, "quite another one"),
    lambda user, token: disable(user),
]


@pytest.mark.parametrize("end", ENDINGS)
def test_an_ended_session_closes_its_sockets_within_a_second(
    server: SocketServer, end: Callable[[User, str], object]
) -> None:
    took: list[float] = []
    for number in range(5):
        user = make_user(f"person{number}")
        token = open_bearer_session(user, RequestOrigin())
        with server.open(additional_headers=bearer(token)) as socket:
            make_picture(user)
            assert socket.types(2) == ["picture.created", "thumbnails.ready"]
            with record_duration(took):
                end(user, token)
                message = socket.next()
                assert socket.closed_with() == 4401
        assert (message["type"], message["id"], message["user_id"]) == (
            "session.ended",
            2,
            str(user.pk),
        )
    assert are_prompt(took), took


def test_other_sessions_keep_their_sockets(server: SocketServer, alice: User) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    with server.of(alice) as kept, server.open(additional_headers=bearer(token)) as ended:
        sign_out_by_token(alice, token)
        assert ended.closed_with() == 4401
        make_picture(alice)
        assert kept.next()["type"] == "picture.created"


def test_the_socket_of_somebody_who_is_no_longer_may_see_the_pictures_is_closed(
    server: SocketServer, alice: User
) -> None:
    staff = make_staff("viewer", "images.view_picture")
    with server.of(staff, f"?user={alice.pk}") as socket:
        staff.user_permissions.clear()
        assert socket.closed_with() == 4401


def test_an_account_may_open_twenty_sockets(server: SocketServer, alice: User, bob: User) -> None:
    from contextlib import ExitStack

    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(server.of(alice))
        with server.of(alice) as one_more:
            assert one_more.closed_with() == 4429
        with server.of(
            bob,
        ) as other:
            make_picture(bob)
            assert other.next()["id"] == 1
    with server.of(alice) as again:
        make_picture(alice)
        assert again.next()["type"] == "picture.created"
