"""`sessions/`, `tokens/` and `account/log/`."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import SecurityEvent, Session, User
from accounts.request_origin import RequestOrigin
from accounts.scopes import Scope
from accounts.security_log import RETENTION
from accounts.sessions import (
    MAX_NAMED_TOKENS,
    MAX_UNNAMED_TOKENS,
    RECORD_USE_INTERVAL,
    open_bearer_session,
    open_cookie_session,
)
from images.models import Picture
from lib.keyset import rows_after
from tests.accounts.issuer import external_token
from tests.clients import Client, Response
from tests.factories import PASSWORD, bearer_client, make_picture, replace_password, token_client
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db
SESSIONS, TOKENS, LOG = "/api/user/sessions/", "/api/user/tokens/", "/api/user/account/log/"


def make(client: Client, *scopes: str, **body: Any) -> Response:
    body = {"name": "backup", "scopes": list(scopes), **body}
    return client.post(TOKENS, body, content_type="application/json")


def client_of(made: Response) -> Client:
    assert made.status_code == 201, made.content
    return Client(headers={"Authorization": f"Token {made.json()['token']}"})


def listed(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(SESSIONS).json()
    return found


def cookie_client(user: User) -> Client:
    client, pair = Client(), open_cookie_session(user, RequestOrigin())
    client.cookies["access_token"], client.cookies["refresh_token"] = pair.access, pair.refresh
    return client


# --- sessions/ ------------------------------------------------------------------------------------


def test_a_session_says_what_it_is_and_where_it_came_from(alice: User) -> None:
    browser = Client(headers={"User-Agent": "a browser"})
    sent = {"login": "alice", "password": PASSWORD}
    token = browser.post("/auth/signin", sent, content_type="application/json").json()["token"]
    [found] = listed(Client(headers={"Authorization": f"Bearer {token}"}))
    session = Session.objects.get()
    assert found == {
        "id": str(session.pk),
        "scheme": "bearer",
        "created_at": session.created_at.isoformat().replace("+00:00", "Z"),
        "last_used_at": session.last_used_at.isoformat().replace("+00:00", "Z"),
        "address": "127.0.0.1",
        "agent": "a browser",
        "name": "",
        "scopes": ["read", "upload", "change", "links", "account"],
        "is_current": True,
    }


def test_the_current_session_is_told_however_one_signed_in(
    alice: User, external_issuer: None
) -> None:
    jwt = open_bearer_session(alice, RequestOrigin())
    outside = external_token()
    clients = {
        "bearer": Client(headers={"Authorization": f"Bearer {jwt}"}),
        "cookie": cookie_client(alice),
        "token": token_client(alice),
        "outside": Client(headers={"Authorization": f"Bearer {outside}", "User-Agent": "theirs"}),
    }
    for scheme, client in clients.items():
        current = [each for each in listed(client) if each["is_current"]]
        assert [each["scheme"] for each in current] == [scheme]
    [bare] = [each for each in listed(Client(headers={"Authorization": jwt})) if each["is_current"]]
    assert bare["scheme"] == "bearer"
    assert len(listed(clients["bearer"])) == 3
    # Where its first request came from, too.
    [theirs] = listed(clients["outside"])
    assert (theirs["address"], theirs["agent"]) == ("127.0.0.1", "theirs")


def test_sessions_that_have_ended_or_expired_are_not_listed(alice: User) -> None:
    client = token_client(alice)
    for _ in range(2):
        open_bearer_session(alice, RequestOrigin())
    ended, expired = Session.objects.filter(scheme="bearer")
    Session.objects.filter(pk=ended.pk).end()
    Session.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    assert [each["scheme"] for each in listed(client)] == ["token"]


def test_pages_of_sessions_show_each_once_newest_first(alice: User) -> None:
    client = token_client(alice)
    for _ in range(4):
        open_bearer_session(alice, RequestOrigin())
    at = timezone.now()
    Session.objects.filter(scheme="bearer").update(created_at=at)  # of one moment
    shown, address = [], SESSIONS + "?limit=2"
    while address:
        page = client.get(address)
        shown += [each["id"] for each in page.json()]
        address = page.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert len(shown) == len(set(shown)) == 5
    assert shown[-1] == str(Session.objects.get(scheme="token").pk)
    of_pictures = client.get(SESSIONS + "?cursor=AAAAAAAAAAAAAAAAAAAAAA")
    assert of_pictures.status_code == 400


@pytest.mark.postgres
def test_a_page_of_many_sessions_is_read_along_an_index(alice: User) -> None:
    later = timezone.now() + timedelta(days=1)
    Session.objects.bulk_create(
        Session(user=alice, scheme="bearer", expires_at=later) for _ in range(3_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_session")
    page = rows_after(None, Session.objects.of(alice).live())[:101]
    plan = page.explain()
    assert "session_of_account" in plan
    assert "Sort" not in plan


def test_one_session_is_ended_and_again_without_harm(alice: User, bob: User) -> None:
    client, other, theirs = token_client(alice), bearer_client(alice), token_client(bob)
    address = f"{SESSIONS}{Session.objects.get(scheme='bearer').pk}/"
    assert theirs.delete(address).status_code == 404
    assert other.get(SESSIONS).status_code == 200
    for _ in range(2):
        assert client.delete(address).status_code == 204
    assert other.get(SESSIONS).status_code == 401
    assert len(listed(client)) == 1


def test_ending_the_current_session_signs_out(
    alice: User, ended_sessions: list[tuple[list[Any], str]]
) -> None:
    jwt = open_bearer_session(alice, RequestOrigin())
    client = Client(headers={"Authorization": f"bearer {jwt}"})
    [session] = listed(client)
    response = client.delete(f"{SESSIONS}{session['id']}/")
    assert response.status_code == 204
    assert response.cookies["access_token"].value == ""
    assert client.get(SESSIONS).status_code == 401
    # Peers know the token by the header as it was sent.
    assert [authorization for _, authorization in ended_sessions] == [f"bearer {jwt}"]


def test_all_others_are_ended_at_once_those_in_the_admin_too(
    alice: User, admin_client: Client, staff: User
) -> None:
    client, others = token_client(staff), [bearer_client(staff), cookie_client(staff)]
    expired = Session.objects.get(scheme="cookie")
    others.append(token_client(staff))
    Session.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    of_another = token_client(alice)
    assert admin_client.get("/admin/").status_code == 200
    assert client.delete(SESSIONS).json() == {"ended": 2}
    assert all(each.get(SESSIONS).status_code == 401 for each in others)
    assert admin_client.get("/admin/").status_code == 302
    assert client.delete(SESSIONS).json() == {"ended": 0}
    assert of_another.get(SESSIONS).status_code == 200


# --- tokens/ --------------------------------------------------------------------------------------


def test_a_named_token_does_what_its_scopes_say_and_is_shown_once(alice: User) -> None:
    client = bearer_client(alice)
    made = make(client, "upload", "read")
    body = made.json()
    assert made.status_code == 201
    assert (body["name"], body["scopes"], body["scheme"]) == ("backup", ["read", "upload"], "token")
    assert not body["is_current"]
    lived = datetime.fromisoformat(body["expires_at"]) - datetime.fromisoformat(body["created_at"])
    assert timedelta(days=364) < lived <= timedelta(days=366)
    limited = client_of(made)
    assert limited.get("/api/user/images/").status_code == 200
    assert limited.get(SESSIONS).status_code == 403
    picture = make_picture(alice)
    assert limited.delete(f"/api/user/images/{picture.pk}/").status_code == 403
    assert limited.get(f"/api/user/link/{picture.pk}/?time=300").status_code == 403
    kept = [each for each in listed(client) if each["name"]]
    assert [(each["id"], each["scopes"]) for each in kept] == [(body["id"], ["read", "upload"])]
    assert "token" not in kept[0]


def test_a_token_lives_as_long_as_is_asked(alice: User, settings: Settings) -> None:
    made = make(bearer_client(alice), "read", expires_in=60)
    session = Session.objects.get(pk=made.json()["id"])
    assert session.expires_at - session.created_at < timedelta(seconds=61)
    client = client_of(made)
    assert client.get("/api/user/images/").status_code == 200
    Session.objects.filter(pk=session.pk).update(expires_at=timezone.now())
    assert client.get("/api/user/images/").status_code == 401


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"expires_in": 59}, "expires_in"),
        ({"expires_in": 10**9}, "expires_in"),
        ({"expires_in": "soon"}, "expires_in"),
        ({"expires_in": "9_000"}, "expires_in"),
        ({"scopes": {"read": True}}, "scopes"),
    ],
)
def test_what_is_wrong_with_a_token_is_told_by_field(
    alice: User, wrong: dict[str, Any], field: str
) -> None:
    response = make(bearer_client(alice), "read", **wrong)
    assert (response.status_code, list(response.json())) == (400, [field])


def test_nobody_makes_a_token_with_scopes_that_their_own_lacks(alice: User) -> None:
    keeper = client_of(make(bearer_client(alice), "read", "account"))
    assert make(keeper, "read").status_code == 201
    refused = make(keeper, "read", "upload", "links")
    assert refused.status_code == 403
    assert 'scope="upload links"' in refused["WWW-Authenticate"]
    assert Session.objects.exclude(name="").count() == 2


@pytest.mark.unhurried
def test_at_most_fifty_named_tokens_and_a_place_is_free_when_one_ends(alice: User) -> None:
    client = bearer_client(alice)
    made = [make(client, "read") for _ in range(MAX_NAMED_TOKENS)]
    assert {each.status_code for each in made} == {201}
    refused = make(client, "read")
    assert (refused.status_code, list(refused.json())) == (409, ["detail"])
    assert client.delete(f"{SESSIONS}{made[0].json()['id']}/").status_code == 204
    assert make(client, "read").status_code == 201


def test_of_tokens_without_a_name_the_oldest_goes_and_no_named_one(alice: User) -> None:
    named = client_of(make(bearer_client(alice), "read"))
    clients = [token_client(alice) for _ in range(MAX_UNNAMED_TOKENS + 1)]
    statuses = [each.get("/api/user/images/").status_code for each in clients]
    assert statuses == [401, *[200] * MAX_UNNAMED_TOKENS]
    assert named.get("/api/user/images/").status_code == 200


def test_the_token_of_the_contract_has_every_scope_and_so_have_rows_of_before(alice: User) -> None:
    sent = {"username": "alice", "password": PASSWORD}
    token = Client().post("/api/user/token/", sent).json()["token"]
    [session] = listed(Client(headers={"Authorization": f"Token {token}"}))
    assert session["scopes"] == [each.value for each in Scope]
    assert Session.objects.get().scopes is None


def test_a_token_of_a_later_release_has_the_scopes_that_are_known_here(alice: User) -> None:
    client = token_client(alice)
    Session.objects.update(scopes=["read", "teleport"])
    assert client.get("/api/user/images/").status_code == 200
    assert client.get(SESSIONS).status_code == 403


def test_a_token_that_changes_pictures_and_does_not_read_opens_none_by_it(alice: User) -> None:
    picture = make_picture(alice)
    Picture.objects.filter(pk=picture.pk).update(thumbhash="1QcSHQRnh493V4dIh4eXh1h4kJUI")
    address = f"/api/user/images/{picture.pk}/"
    activation = f"/pictures/set-active-picture/{picture.pk}/{alice.pk}"
    writer, both = (
        client_of(make(bearer_client(alice), *scopes))
        for scopes in (["change"], ["change", "read"])
    )

    def patch(client: Client, query: str = "", **body: str) -> Response:
        return client.patch(address + query, body, content_type="application/json")

    body = patch(writer, description="mine").json()
    assert body["description"] == "mine"
    assert (body["image"], body["thumbhash"]) == (picture.file_name, None)
    refused = patch(writer, "?fields=image,thumbnails", description="x")
    assert refused.status_code == 403
    assert writer.put(activation).json()["picture"]["url"] is None
    assert patch(both).json()["image"].startswith("http")
    assert patch(both, "?fields=image").status_code == 200
    assert both.put(activation).json()["picture"]["url"].startswith("http")
    picture.refresh_from_db()
    assert picture.description == "mine"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_no_token_too_many_is_made(alice: User) -> None:
    client = bearer_client(alice)
    for _ in range(MAX_NAMED_TOKENS - 2):
        assert make(client, "read").status_code == 201
    jwt = open_bearer_session(alice, RequestOrigin())

    def make_one() -> int:
        return make(Client(headers={"Authorization": f"Bearer {jwt}"}), "read").status_code

    assert sorted(run_in_parallel([make_one] * 6)) == [201, 201, 409, 409, 409, 409]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_no_token_outlives_the_end_of_all_others_that_it_races(alice: User) -> None:
    """Whoever is being signed out everywhere cannot make a token to stay."""
    for _ in range(10):
        keeper, thief = bearer_client(alice), bearer_client(alice)
        work = [lambda k=keeper: k.delete(SESSIONS), lambda t=thief: make(t, "read")]
        ended, made = run_in_parallel(work)
        assert ended.status_code == 200
        assert made.status_code in {201, 401}
        assert not Session.objects.live().exclude(name="").exists()
        replace_password(alice, PASSWORD)


# --- account/log/ ---------------------------------------------------------------------------------


def test_the_log_tells_what_was_done_newest_first(alice: User, bob: User) -> None:
    client = bearer_client(alice)
    made = make(client, "read")
    client.delete(f"{SESSIONS}{made.json()['id']}/")
    post = {"login": "alice", "password": "wrong"}
    Client().post("/auth/signin", post, content_type="application/json")
    token_client(bob)
    found = client.get(LOG).json()
    assert [(each["kind"], each["by"]) for each in found] == [
        ("sign-in.refused", "nobody"), ("token.ended", "you"), ("token.made", "you"),
        ("sign-in", "you"),
    ]  # fmt: skip
    assert found[2]["facts"] == {
        "session": made.json()["id"], "scheme": "token", "name": "backup", "scopes": ["read"],
    }  # fmt: skip
    assert found[1]["facts"]["names"] == ["backup"]
    assert {each["address"] for each in found[:3]} == {"127.0.0.1"}


def test_what_staff_did_is_told_without_where_they_were(alice: User, staff: User) -> None:
    client = token_client(alice)
    SecurityEvent.objects.create(
        kind="admin.changed", user_id=alice.pk, actor_id=staff.pk, address="192.0.2.1", agent="x"
    )
    event = client.get(LOG).json()[0]
    assert (event["by"], event["address"], event["agent"]) == ("staff", None, "")


def test_pages_of_the_log_show_each_event_once_for_90_days(alice: User) -> None:
    client = token_client(alice)
    events = SecurityEvent.objects.bulk_create(
        SecurityEvent(kind="sign-in", user_id=alice.pk) for _ in range(6)
    )
    old = events[0]
    SecurityEvent.objects.filter(pk=old.pk).update(at=timezone.now() - RETENTION)
    shown, address = [], LOG + "?limit=2"
    while address:
        page = client.get(address)
        shown += [each["id"] for each in page.json()]
        address = page.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert shown == sorted(shown, reverse=True)
    assert len(shown) == len(set(shown)) == 6
    assert old.pk not in shown


# --- last_login, last_used_at ---------------------------------------------------------------------


SIGN_INS = {
    "/auth/signin": {"login": "alice", "password": PASSWORD},
    "/api/login": {"login": "alice", "password": PASSWORD},
    "/api/user/token/": {"username": "alice", "password": PASSWORD},
    "/api/user/jwt-login/": {"username": "alice", "password": PASSWORD},
}


@pytest.mark.parametrize("address", SIGN_INS)
def test_each_way_to_sign_in_writes_when(alice: User, address: str) -> None:
    before = timezone.now()
    response = Client().post(address, SIGN_INS[address], content_type="application/json")
    assert response.status_code == 200
    alice.refresh_from_db()
    assert alice.last_login is not None
    assert alice.last_login >= before


def test_an_outside_token_signs_in_when_it_is_first_seen(external_issuer: None) -> None:
    client = Client(headers={"Authorization": f"Bearer {external_token()}"})
    assert client.get("/auth/currentUser").status_code == 200
    first = User.objects.get().last_login
    assert first is not None
    assert client.get("/auth/currentUser").status_code == 200
    assert User.objects.get().last_login == first
    assert SecurityEvent.objects.filter(kind="sign-in").count() == 1


@pytest.mark.parametrize(
    "address", ["/auth/currentUser", "/api/me", "/api/user/images/", "/image/{uid}",
                "/pictures/get-user-pictures/{user}", "/images/{key}", "/avatars/{user}"],
)  # fmt: skip
def test_every_contract_writes_the_last_use_at_most_every_five_minutes(
    alice: User, address: str
) -> None:
    picture = make_picture(alice)
    client = token_client(alice)
    long_ago = timezone.now() - 2 * RECORD_USE_INTERVAL
    Session.objects.update(last_used_at=long_ago)
    address = address.format(uid=picture.uid, user=alice.pk, key=picture.key)
    client.get(address)
    used = Session.objects.get().last_used_at
    assert used - long_ago >= RECORD_USE_INTERVAL
    client.get(address)
    assert Session.objects.get().last_used_at == used
