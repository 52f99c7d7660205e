"""The images API against its contract: exact shapes and dates."""

import re
from base64 import b64encode

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from images.models import Picture
from images.storage.base import picture_storage
from tests.clients import Client, Response
from tests.factories import PASSWORD, bearer_client, make_picture, tier
from tests.pictures import jpeg, png
from tests.storages import StoredKeys

pytestmark = [pytest.mark.django_db, pytest.mark.storages]

NEW = {"login": "username", "email": "username@email.com", "password": "a secret of its own"}
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
DATE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"


@pytest.fixture(autouse=True)
def _tiers() -> None:
    for name in ("Basic", "Premium", "Enterprise"):
        tier(name)


def post(path: str, body: dict[str, str], client: Client | None = None) -> Response:
    return (client or Client()).post(f"/api/{path}", body, content_type="application/json")


def assert_error(response: Response, status: int, message: str) -> None:
    assert response.status_code == status
    assert response.json() == {"message": message, "status_code": status}


def test_registration_returns_the_account() -> None:
    response = post("registration", NEW)
    body = response.json()
    assert response.status_code == 200
    assert list(body) == ["createTime", "email", "id", "login"]
    assert (body["email"], body["login"]) == ("username@email.com", "username")
    assert re.fullmatch(UUID, body["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", body["createTime"])
    assert User.objects.get().tier.name == "Premium"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"login": "USERNAME", "email": "o@email.com"}, "Login USERNAME already exists"),
        (
            {"login": "other", "email": "Username@Email.com"},
            "Email Username@Email.com already exists",
        ),
    ],
)
def test_a_taken_name_is_409(change: dict[str, str], message: str) -> None:
    post("registration", NEW)
    assert_error(post("registration", {**NEW, **change}), 409, message)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"login": "ab"}, "login"), ({"email": "no address"}, "email"), ({"email": ""}, "email"),
     ({"password": "short"}, "password"), ({"login": "a b c"}, "login")],
)  # fmt: skip
def test_bad_input_is_400(change: dict[str, str], field: str) -> None:
    response = post("registration", {**NEW, **change})
    assert (response.status_code, response.json()["status_code"]) == (400, 400)
    assert response.json()["message"].startswith(f"{field}: ")
    assert not User.objects.exists()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_login_by_get_with_a_body_and_by_post(alice: User, method: str) -> None:
    body = f'{{"login": "alice", "password": "{PASSWORD}"}}'
    response = Client().generic(method, "/api/login", body, content_type="application/json")
    assert (response.status_code, list(response.json())) == (200, ["Authorization"])
    client = Client(headers={"Authorization": response.json()["Authorization"]})
    assert client.get("/api/me").json()["login"] == "alice"


@pytest.mark.parametrize(
    "body", [{"login": "alice", "password": "wrong"}, {"login": "no", "password": "x"}]
)
def test_a_wrong_login_is_403(alice: User, body: dict[str, str]) -> None:
    assert_error(post("login", body), 403, "Incorrect login or password")


def test_me_shows_the_account_and_its_pictures_newest_first(alice: User) -> None:
    client = bearer_client(alice)
    made = [make_picture(alice, description=text) for text in ("Me at the zoo", "")]
    body = client.get("/api/me").json()
    assert list(body) == ["id", "images", "login"]
    assert (body["id"], body["login"]) == (str(alice.pk), "alice")
    assert [each["id"] for each in body["images"]] == [str(each.uid) for each in made[::-1]]
    last = body["images"][-1]
    assert list(last) == ["description", "id", "source", "upload_date"]
    assert last["description"] == "Me at the zoo"
    assert last["source"] == f"/api/images/{made[0].uid}"
    assert last["upload_date"] == made[0].created_at.strftime("%Y-%m-%d %H:%M:%S.%f")


@pytest.mark.parametrize("count", [1, 20])
def test_me_costs_two_queries_and_reads_no_file(
    alice: User,
    count: int,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = bearer_client(alice)
    for _ in range(count):
        make_picture(alice)
    # Undone here: at the end of the test, the storage of this test would outlast its settings.
    with monkeypatch.context() as without_storage, django_assert_num_queries(2):
        without_storage.setattr(picture_storage, "_wrapped", None)
        assert len(client.get("/api/me").json()["images"]) == count


def test_me_goes_on_by_link(alice: User) -> None:
    client = bearer_client(alice)
    made = [str(make_picture(alice).uid) for _ in range(3)]
    first = client.get("/api/me?limit=2")
    following = first["Link"].split(">")[0].removeprefix("<http://testserver")
    second = client.get(following)
    seen = [each["id"] for each in first.json()["images"] + second.json()["images"]]
    assert seen == made[::-1]
    assert "Link" not in second


@pytest.mark.parametrize("form", ["", "data:image/png;base64,"])
def test_an_upload_is_stored_and_open_to_anyone_who_knows_its_id(alice: User, form: str) -> None:
    client, content = bearer_client(alice), png(30, 20)
    response = post(
        "images", {"data": form + b64encode(content).decode(), "description": "cat"}, client
    )
    body = response.json()
    picture = Picture.objects.get()
    assert response.status_code == 200
    assert list(body) == ["id", "login", "source", "upload_date"]
    assert (body["id"], body["login"]) == (str(picture.uid), "alice")
    assert body["source"] == f"/api/images/{picture.uid}"
    assert re.fullmatch(DATE + r"\+00:00", body["upload_date"])
    assert (picture.visibility, picture.description) == ("public", "cat")
    assert Client().get(f"/api/images/{str(picture.uid).upper()}").status_code == 200
    opened = Client().get(body["source"])
    assert (opened["Content-Type"], opened.getvalue()) == ("image/png", content)


@pytest.mark.parametrize(
    "body",
    [{}, {"data": ""}, {"data": "***"}, {"data": b64encode(b"text").decode()},
     {"data": b64encode(png(3, 2)).decode(), "description": "x" * 2001}],
)  # fmt: skip
def test_a_bad_upload_is_400_and_leaves_nothing(
    alice: User, stored_keys: StoredKeys, body: dict[str, str]
) -> None:
    response = post("images", body, bearer_client(alice))
    assert (response.status_code, list(response.json())) == (400, ["message", "status_code"])
    assert stored_keys() == []


def test_the_raw_picture_is_cached_conditionally_and_in_parts(alice: User) -> None:
    picture = make_picture(alice, png(30, 20), visibility="public")
    address = f"/api/images/{picture.uid}"
    first = Client().get(address)
    assert first["Cache-Control"] == "no-cache"
    assert Client().get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert Client().get(address, headers={"Range": "bytes=0-3"}).getvalue() == png(30, 20)[:4]


def test_a_public_picture_leaves_clean_and_a_private_one_does_not_leave(
    alice: User, as_bob: Client
) -> None:
    picture = make_picture(alice, jpeg(60, 40, comment=b"at home"), visibility="public")
    assert b"at home" not in Client().get(f"/api/images/{picture.uid}").getvalue()
    Picture.objects.update(visibility="private")
    for client in (Client(), as_bob):
        assert_error(client.get(f"/api/images/{picture.uid}"), 404, "Not found.")


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"If-Match": '"another"'}, 412, "Precondition Failed."),
        ({"If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 412, "Precondition Failed."),
        ({"Range": "bytes=999999-"}, 416, "Requested Range Not Satisfiable."),
    ],
)
def test_a_condition_that_fails_is_answered_in_the_contracts_json(
    alice: User, headers: dict[str, str], status: int, message: str
) -> None:
    picture = make_picture(alice, png(30, 20), visibility="public")
    response = Client().get(f"/api/images/{picture.uid}", headers=headers)
    assert_error(response, status, message)
    assert response["Content-Type"] == "application/json"
    assert response["ETag"]
    if status == 416:
        assert response["Content-Range"] == f"bytes */{picture.bytes}"
