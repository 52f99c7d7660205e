"""The device cookie: set by every sign-in, and worth something for its own account alone."""

import pytest
from django.http import HttpResponse
from pytest_django import Settings

from accounts import known_devices
from accounts.known_devices import known_device, remember_device
from accounts.models import User
from tests.clients import Client
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def cookie_of(user: User) -> str:
    response = HttpResponse()
    remember_device(response, user)
    return response.cookies["device"].value


def test_a_device_is_known_to_the_account_that_it_signed_in_to(alice: User) -> None:
    cookie = cookie_of(alice)
    assert known_device(cookie, "alice")
    assert known_device(cookie, "ALICE") == known_device(cookie, "alice")
    assert not known_device(cookie, "bob")


@pytest.mark.parametrize("cookie", ["", ".", "..", "a.b.c", "0.1.x", "x.٣.y", "." * 200])
def test_an_invented_cookie_makes_no_device_known(cookie: str) -> None:
    assert not known_device(cookie, "alice")


def test_a_changed_cookie_makes_no_device_known(alice: User) -> None:
    device, issued, signature = cookie_of(alice).split(".")
    assert not known_device(f"{'0' * 16}.{issued}.{signature}", "alice")
    assert not known_device(f"{device}.{int(issued) + 1}.{signature}", "alice")


def test_a_device_is_forgotten_after_half_a_year(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    cookie = cookie_of(alice)
    monkeypatch.setattr(known_devices, "LIFETIME_SECONDS", 0)
    assert not known_device(cookie, "alice")


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("/auth/signin", ("login", "password")),
        ("/api/login", ("login", "password")),
        ("/api/user/token/", ("username", "password")),
        ("/api/user/jwt-login/", ("username", "password")),
    ],
)
def test_every_sign_in_makes_its_device_known(
    address: str, fields: tuple[str, str], alice: User
) -> None:
    client = Client()
    body = dict(zip(fields, ("alice", "wrong"), strict=True))
    refused = client.post(address, body, content_type="application/json")
    assert "device" not in refused.cookies
    body = dict(zip(fields, ("alice", PASSWORD), strict=True))
    response = client.post(address, body, content_type="application/json")
    assert response.status_code == 200
    cookie = response.cookies["device"]
    assert known_device(cookie.value, "alice")
    assert cookie["httponly"]


def test_a_sign_in_to_the_admin_makes_its_device_known(settings: Settings) -> None:
    root = make_user("root", is_staff=True)
    form = {"username": "root", "password": PASSWORD}
    response = Client().post("/admin/login/", form)
    assert known_device(response.cookies["device"].value, root.username)


def test_over_https_no_neighbour_can_set_the_cookie(alice: User, settings: Settings) -> None:
    settings.TOKEN_COOKIES_SECURE = True
    response = HttpResponse()
    remember_device(response, alice)
    cookie = response.cookies["__Host-device"]
    assert cookie["secure"]
    assert cookie["path"] == "/"
    assert not cookie["domain"]
