"""A new password ends the sessions that the old one opened, whichever way it is set."""

import getpass
from collections.abc import Callable

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from notifications.models import OutboxMessage
from tests.clients import Client
from tests.factories import PASSWORD, bearer_client, make_user, token_client

pytestmark = pytest.mark.django_db

NEW = "another good one"


def by_oneself_in_the_admin(root: User, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert browser.post("/admin/password_change/", form).status_code == 302


def by_staff_in_the_admin(root: User, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    url = f"/admin/accounts/user/{root.pk}/password/"
    assert browser.post(url, form).status_code == 302


def by_staff_who_take_the_password_away(
    root: User, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"usable_password": "false", "unset-password": "yes"}
    url = f"/admin/accounts/user/{root.pk}/password/"
    assert browser.post(url, form).status_code == 302


def by_command(root: User, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda prompt: NEW)
    call_command("changepassword", root.username)


def through_the_auth_service(root: User, browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": NEW}
    response = bearer_client(root).post("/auth/password", body, content_type="application/json")
    assert response.status_code == 200


WAYS = [
    by_oneself_in_the_admin, by_staff_in_the_admin, by_staff_who_take_the_password_away,
    by_command, through_the_auth_service,
]  # fmt: skip


@pytest.fixture
def root(db: None) -> User:
    return make_user("root", is_staff=True, is_superuser=True)


@pytest.fixture
def browser(root: User) -> Client:
    client = Client()
    client.force_login(root)
    return client


@pytest.mark.parametrize("way", WAYS)
def test_a_new_password_ends_every_session_whoever_sets_it(
    way: Callable[[User, Client, pytest.MonkeyPatch], None],
    root: User,
    browser: Client,
    bob: User,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> None:
    settings.AMQP_URL = "amqp://nowhere"
    clients = [bearer_client(root), token_client(root)]
    others = token_client(bob)
    assert [each.get("/auth/currentUser").status_code for each in clients] == [200, 200]
    way(root, browser, monkeypatch)
    assert [each.get("/auth/currentUser").status_code for each in clients] == [401, 401]
    # The JWT in both spellings, and the API token's id.
    assert OutboxMessage.objects.count() == 3
    assert others.get("/auth/currentUser").status_code == 200


def test_staff_who_change_their_own_password_in_the_admin_stay_signed_in_there(
    root: User, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Client()
    elsewhere.force_login(root)
    by_oneself_in_the_admin(root, browser, monkeypatch)
    assert browser.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302


def test_upgrading_the_hash_of_a_password_ends_no_session(root: User, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    open_bearer_session(root, RequestOrigin())
    before = root.password
    assert root.check_password(PASSWORD)
    root.refresh_from_db()
    assert root.password != before
    assert Session.objects.live().count() == 1
