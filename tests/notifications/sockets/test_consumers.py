"""Sockets from the handshake to the close code; `test_wire.py` has them on a server."""

import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.services import disable, sign_out
from accounts.sessions import open_api_token_session, open_bearer_session, open_cookie_session
from accounts.token_authentication import authenticate_jwt
from images.services import activate, delete_picture, update_picture
from notifications.models import PictureEvent
from notifications.sockets import reconciler
from tests.clients import Client
from tests.factories import make_picture, make_staff, make_user, replace_password
from tests.notifications.sockets.clients import bearer
from tests.notifications.sockets.in_process import Refused, Sockets
from tests.thumbnails.rows import use_up_attempts
from tests.waiting import are_prompt, record_duration
from thumbnails.deletion import delete_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def test_every_change_of_a_picture_is_sent(sockets: Sockets, alice: User) -> None:
    with sockets.of(alice) as socket:
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


def test_deleting_all_pictures_is_sent_once(sockets: Sockets, alice: User) -> None:
    make_picture(alice)
    make_picture(alice)
    with sockets.of(alice) as socket:
        delete_all(alice.pk)
        message = socket.next()
    assert message["type"] == "pictures.cleared"
    assert "picture" not in message


def test_failed_thumbnails_are_sent(sockets: Sockets, alice: User, tmp_path: Path) -> None:
    with sockets.of(alice) as socket:
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


def test_events_of_another_account_are_not_sent(sockets: Sockets, alice: User, bob: User) -> None:
    with sockets.of(bob) as socket:
        make_picture(alice)
        own = make_picture(bob)
        assert socket.next()["picture"]["id"] == own.pk


def test_missed_events_are_replayed_before_new_ones(sockets: Sockets, alice: User) -> None:
    make_picture(alice)
    make_picture(alice)
    with sockets.of(alice, "?since=1") as socket:
        assert [socket.next()["id"] for _ in range(3)] == [2, 3, 4]
        make_picture(alice)
        assert [socket.next()["id"] for _ in range(2)] == [5, 6]


def test_without_since_only_new_events_are_sent(sockets: Sockets, alice: User) -> None:
    make_picture(alice)
    with sockets.of(alice) as socket:
        make_picture(alice)
        assert socket.next()["id"] == 3


@pytest.mark.unhurried
@pytest.mark.parametrize("since", [0, 1, 99])
def test_a_client_that_asks_for_purged_events_gets_events_reset(
    sockets: Sockets, alice: User, since: int
) -> None:
    make_picture(alice)
    make_picture(alice)
    PictureEvent.objects.filter(sequence__lte=2).delete()
    with sockets.of(alice, f"?since={since}") as socket:
        message = socket.next()
        assert (message["type"], message["id"]) == ("events.reset", 4)
        make_picture(alice)
        assert socket.next()["id"] == 5


def test_staff_may_open_the_events_of_an_account(
    sockets: Sockets, alice: User, staff: User
) -> None:
    with sockets.of(staff, f"?user={alice.pk}") as socket:
        make_picture(alice)
        assert socket.next()["user_id"] == str(alice.pk)


def test_an_api_token_opens_a_socket(sockets: Sockets, alice: User) -> None:
    key = open_api_token_session(alice, RequestOrigin())
    with sockets.open(additional_headers={"Authorization": f"Token {key}"}) as socket:
        make_picture(alice)
        assert socket.next()["id"] == 1


def test_a_token_opens_a_socket_with_the_scope_read_alone(sockets: Sockets, alice: User) -> None:
    for scopes, code in (["read"], None), (["upload", "change", "links", "account"], 4403):
        key = open_api_token_session(alice, RequestOrigin())
        Session.objects.filter(ended_at=None).update(scopes=scopes)
        with sockets.open(additional_headers={"Authorization": f"Token {key}"}) as socket:
            if code:
                assert socket.closed_with() == code
            else:
                make_picture(alice)
                assert socket.next()["id"] == 1


def test_a_subprotocol_carries_the_token_of_another_origin(sockets: Sockets, alice: User) -> None:
    offered = ["bearer", open_bearer_session(alice, RequestOrigin())]
    with sockets.open(subprotocols=offered, origin="https://elsewhere.example") as socket:
        assert socket.subprotocol == "bearer"
        make_picture(alice)
        assert socket.next()["id"] == 1


def cookie_headers(user: User) -> dict[str, str]:
    pair = open_cookie_session(user, RequestOrigin())
    return {"Cookie": f"access_token={pair.access}; refresh_token={pair.refresh}"}


@pytest.mark.parametrize("origin", ["{here}", "https://trusted.example"], ids=["own", "trusted"])
def test_cookies_open_a_socket_from_pages_of_the_service_and_of_trusted_origins(
    sockets: Sockets, alice: User, origin: str
) -> None:
    page = origin.format(here=sockets.url)
    with sockets.open(additional_headers=cookie_headers(alice), origin=page) as socket:
        make_picture(alice)
        assert socket.next()["id"] == 1


@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "null", "http://127.0.0.1:1", "https://{here}"]
)
def test_another_sites_page_cannot_use_the_cookies(
    sockets: Sockets, alice: User, origin: str
) -> None:
    headers = cookie_headers(alice)
    with (
        pytest.raises(Refused),
        sockets.open(additional_headers=headers, origin=origin.format(here=sockets.url[7:])),
    ):
        pass


def test_a_proxys_credential_is_passed_over(sockets: Sockets, alice: User) -> None:
    proxys = {"Authorization": "Basic dXNlcjpwYXNz"}
    offered = ["bearer", open_bearer_session(alice, RequestOrigin())]
    for headers, protocols in ((proxys | cookie_headers(alice), []), (proxys, offered)):
        with sockets.open(
            additional_headers=headers, subprotocols=protocols, origin=sockets.url
        ) as socket:
            make_picture(alice)
            assert socket.next()["type"] == "picture.created"
    both = proxys | cookie_headers(alice)
    with (
        pytest.raises(Refused),
        sockets.open(additional_headers=both, origin="https://elsewhere.example"),
    ):
        pass


def test_a_slash_less_changes_nothing(sockets: Sockets, alice: User) -> None:
    with sockets.open(path="/ws/pictures", additional_headers=cookie_headers(alice)) as socket:
        make_picture(alice)
        assert socket.next()["type"] == "picture.created"


def test_an_expired_access_cookie_is_renewed_by_the_handshake(
    sockets: Sockets, alice: User
) -> None:
    pair = open_cookie_session(alice, RequestOrigin())
    headers = {"Cookie": f"access_token=stale; refresh_token={pair.refresh}"}
    with sockets.open(additional_headers=headers, origin=sockets.url) as socket:
        given = socket.cookies
    assert set(given) == {"access_token", "refresh_token"}
    assert authenticate_jwt(given["access_token"].value, "access").user == alice


REFUSALS = [
    ("", "", 4401),
    ("", "nonsense", 4401),
    ("?token={token}&access_token={token}", "", 4401),
    ("?user={other}", "{token}", 4403),
    ("?user=nobody", "{token}", 4400),
    ("?since=-1", "{token}", 4400),
    ("?since=1&since=2", "{token}", 4400),
    ("?format=other", "{token}", 4400),
]


@pytest.mark.parametrize(("query", "borne", "code"), REFUSALS)
def test_a_refusal_has_its_close_code(
    sockets: Sockets, alice: User, bob: User, query: str, borne: str, code: int
) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    headers = bearer(borne.format(token=token)) if borne else {}
    query = query.format(token=token, other=bob.pk)
    with sockets.open(query, additional_headers=headers) as socket:
        assert socket.closed_with() == code


def test_a_refused_browser_that_offered_a_token_sees_the_close_code(
    sockets: Sockets, db: None
) -> None:
    with sockets.open(subprotocols=["bearer", "nonsense"]) as socket:
        assert socket.closed_with() == 4401


def test_staff_without_the_permission_may_watch_nobody_else(sockets: Sockets, alice: User) -> None:
    with sockets.of(make_staff("clerk", "images.delete_picture"), f"?user={alice.pk}") as socket:
        assert socket.closed_with() == 4403


def test_staff_get_a_close_code_for_an_unknown_account(sockets: Sockets, staff: User) -> None:
    with sockets.of(staff, f"?user={uuid.uuid4()}") as socket:
        assert socket.closed_with() == 4404


def test_no_other_url_has_a_socket(sockets: Sockets, alice: User) -> None:
    headers = bearer(open_bearer_session(alice, RequestOrigin()))
    with pytest.raises(Refused), sockets.open(path="/ws/other/", additional_headers=headers):
        pass


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


@pytest.mark.unhurried
@pytest.mark.parametrize("end", ENDINGS)
def test_an_ended_session_closes_its_sockets_within_a_second(
    sockets: Sockets, end: Callable[[User, str], object]
) -> None:
    took: list[float] = []
    for number in range(5):
        user = make_user(f"person{number}")
        token = open_bearer_session(user, RequestOrigin())
        with sockets.open(additional_headers=bearer(token)) as socket:
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


def test_other_sessions_keep_their_sockets(sockets: Sockets, alice: User) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    with sockets.of(alice) as kept, sockets.open(additional_headers=bearer(token)) as ended:
        sign_out_by_token(alice, token)
        assert ended.closed_with() == 4401
        make_picture(alice)
        assert kept.next()["type"] == "picture.created"


def test_the_socket_of_staff_who_may_no_longer_see_the_pictures_is_closed(
    sockets: Sockets, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "POLL_INTERVAL", 0.3)
    staff = make_staff("viewer", "images.view_picture")
    with sockets.of(staff, f"?user={alice.pk}") as socket:
        staff.user_permissions.clear()
        assert socket.closed_with() == 4401


def test_an_account_may_open_twenty_sockets(sockets: Sockets, alice: User, bob: User) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(sockets.of(alice))
        with sockets.of(alice) as one_more:
            assert one_more.closed_with() == 4429
        with sockets.of(bob) as other:
            make_picture(bob)
            assert other.next()["id"] == 1
    with sockets.of(alice) as again:
        make_picture(alice)
        assert again.next()["type"] == "picture.created"
