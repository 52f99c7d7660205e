"""Rights that rest: whose, in which sessions, and that no row loses them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django import Settings

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.second_factor import spend_code
from accounts.sessions import open_cookie_session
from accounts.token_authentication import authenticate_jwt
from tests.accounts.issuer import external_token
from tests.clients import Client
from tests.factories import PASSWORD, bearer_client, make_user, token_client
from tests.pictures import png
from tests.second_factors import give_factor, next_code

pytestmark = pytest.mark.django_db
LOGIN = "/api/user/jwt-login/"


@pytest.fixture(autouse=True)
def _required(settings: Settings) -> None:
    settings.STAFF_SECOND_FACTOR = "required"


def sign_in(otp: str | None = None, login: str = "staff") -> tuple[int, Client]:
    client = Client()
    body = {"username": login, "password": PASSWORD}
    if otp is not None:
        body["otp"] = otp
    status = client.post(LOGIN, body, content_type="application/json").status_code
    return status, client


def is_staff(client: Client) -> bool:
    """Ask two contracts, which agree."""
    account = client.get("/api/user/account/").json()["is_staff"]
    assert account == ("admin" in client.get("/auth/currentUser").json()["roles"])
    return bool(account)


def test_a_code_at_the_sign_in_of_the_gallery_gives_the_rights_and_a_password_none(
    staff: User,
) -> None:
    codes = give_factor(staff)
    status, client = sign_in(next_code(staff))
    assert (status, is_staff(client)) == (200, True)
    status, client = sign_in(codes[0])
    assert (status, is_staff(client)) == (200, True)
    for nothing in (None, ""):
        status, client = sign_in(nothing)
        assert (status, is_staff(client)) == (200, False)
    used = sign_in(codes[0])[1]
    assert used.cookies == {}


def test_a_wrong_code_is_401_and_opens_no_session(staff: User, bob: User) -> None:
    give_factor(staff)
    for login, code in (("staff", "000000"), ("bob", "123456")):
        body = {"username": login, "password": PASSWORD, "otp": code}
        answer = Client().post(LOGIN, body, content_type="application/json")
        assert answer.status_code == 401
        assert "code is wrong" in answer.json()["detail"]
        assert not answer.cookies
    assert not Session.objects.exists()
    # Without the password nobody learns anything of codes, nor slows anybody down.
    body = {"username": "bob", "password": "wrong", "otp": "123456"}
    answer = Client().post(LOGIN, body, content_type="application/json")
    assert answer.json() == {"detail": "No active account found with these credentials."}


def test_a_session_keeps_its_rights_when_its_cookies_are_renewed(staff: User) -> None:
    give_factor(staff)
    _, client = sign_in(next_code(staff))
    del client.cookies["access_token"]
    assert is_staff(client)
    assert "access_token" in client.cookies


def test_a_named_token_has_the_rights_of_the_session_that_made_it(staff: User) -> None:
    give_factor(staff)
    for client, expected in ((sign_in(next_code(staff))[1], True), (sign_in()[1], False)):
        body = {"name": "backup", "scopes": ["read", "account"]}
        made = client.post("/api/user/tokens/", body, content_type="application/json")
        named = Client(headers={"Authorization": f"Token {made.json()['token']}"})
        assert is_staff(named) is expected


def test_tokens_of_the_contracts_have_no_rights_and_members_notice_nothing(
    staff: User, bob: User, settings: Settings
) -> None:
    clients = [token_client(staff), bearer_client(staff)]
    assert [is_staff(client) for client in clients] == [False, False]
    assert token_client(bob).get("/api/user/account/").json()["tier"]["grants_links"]
    settings.STAFF_SECOND_FACTOR = "off"
    assert [is_staff(client) for client in clients] == [True, True]


@pytest.mark.usefixtures("external_issuer")
def test_an_outside_issuer_gives_no_rights() -> None:
    token = external_token()
    session = authenticate_jwt(token, "bearer", "access")
    User.objects.filter(pk=session.user_id).update(is_staff=True, is_superuser=True)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert not is_staff(client)


def test_site_says_whether_a_code_is_asked_and_the_gallery_asks(settings: Settings) -> None:
    assert Client().get("/api/user/site/").json()["second_factor"] is True
    assert 'name="otp"' in Client().get("/").content.decode()
    settings.STAFF_SECOND_FACTOR = "off"
    assert Client().get("/api/user/site/").json()["second_factor"] is False
    assert 'name="otp"' not in Client().get("/").content.decode()


def test_whatever_a_session_without_rights_saves_its_account_keeps_them(staff: User) -> None:
    client = bearer_client(staff)
    body = {"name": "Stefan"}
    client.patch("/api/user/account/", body, content_type="application/json")
    change = {"current_password": PASSWORD, "new_password": "another good one"}
    answer = client.post("/api/user/account/password/", change, content_type="application/json")
    assert answer.status_code == 204
    loaded = Session.objects.with_user().get(ended_at=None).user
    loaded.rest_rights()
    loaded.save()
    loaded.name = "Steve"
    loaded.save(update_fields=["name", "is_staff", "is_superuser"])
    loaded.refresh_from_db()
    assert (loaded.is_staff, loaded.is_superuser, loaded.name) == (False, False, "Steve")
    row = User.objects.get(pk=staff.pk)
    assert (row.is_staff, row.is_superuser) == (True, True)


def test_an_account_without_rights_has_none_to_rest(bob: User) -> None:
    bob.rest_rights()
    assert not bob.rights_rest
    bob.is_staff = True
    bob.save()
    assert User.objects.get(pk=bob.pk).is_staff


def test_with_a_code_a_superuser_of_a_small_tier_gets_what_superusers_get(staff: User) -> None:
    """Of one account, the session's rights count, at lists and at single pictures alike."""
    codes = give_factor(staff)
    staff.refresh_from_db()
    for code, expected in ((codes[0], 200), (None, 403)):
        _, client = sign_in(code)
        form = {"image": _upload()}
        made = client.post("/api/user/images/", form).json()
        link = client.get(f"/api/user/link/{made['id']}/", {"time": 300})
        assert link.status_code == expected
        shown = client.get(f"/api/user/images/{made['id']}/").json()
        listed = client.get("/api/user/images/").json()[0]
        assert ("://" in shown["image"]) is ("://" in listed["image"]) is (expected == 200)


def _upload() -> SimpleUploadedFile:
    return SimpleUploadedFile("x.png", png(8, 8))


def test_a_socket_session_carries_the_fact(staff: User) -> None:
    give_factor(staff)
    user = User.objects.get(pk=staff.pk)
    pair = open_cookie_session(user, RequestOrigin(), spend_code(user, next_code(user)))
    assert authenticate_jwt(pair.access, "access").user.is_superuser
    plain = open_cookie_session(make_user("root", is_superuser=True), RequestOrigin())
    assert not authenticate_jwt(plain.access, "access").user.is_superuser
