"""A response without a body has no content type; whatever has one keeps it."""

import pytest
from pytest_django import Settings

from accounts.models import User
from images.signed_urls import signed_path
from tests.clients import Client
from tests.factories import bearer_client, make_picture
from tests.pictures import png

pytestmark = pytest.mark.django_db


def test_whatever_is_empty_has_no_content_type(alice: User, as_alice: Client) -> None:
    picture = make_picture(alice, png(30, 20))
    address = f"/images/{picture.key}"
    found = as_alice.get(address)
    responses = {
        "deleted": as_alice.delete(f"/api/user/images/{make_picture(alice).pk}/"),
        "unchanged": as_alice.get(address, headers={"If-None-Match": found["ETag"]}),
        "out of range": as_alice.get(address, headers={"Range": "bytes=999999-"}),
        "elsewhere": as_alice.get(f"/avatars/{alice.pk}"),
        "signed out of cookies": Client().post("/api/user/jwt-logout/"),
        "signed out": bearer_client(alice).get("/auth/signout"),
    }
    assert {
        name: (response.status_code, response.content, response.headers.get("Content-Type"))
        for name, response in responses.items()
    } == {
        "deleted": (204, b"", None),
        "unchanged": (304, b"", None),
        "out of range": (416, b"", None),
        "elsewhere": (302, b"", None),
        "signed out of cookies": (204, b"", None),
        "signed out": (200, b"", None),
    }


@pytest.mark.parametrize("prefix", ["", "/protected/"])
def test_head_and_files_that_nginx_sends_keep_theirs(
    alice: User, settings: Settings, prefix: str
) -> None:
    settings.ACCEL_REDIRECT_PREFIX = prefix
    path = signed_path(make_picture(alice, png(30, 20)).key)
    assert Client().head(path)["Content-Type"] == "image/png"
    assert Client().get(path)["Content-Type"] == "image/png"
    assert Client().head("/images/default/default.png")["Content-Type"] == "image/png"
    assert Client().head("/auth/nothing")["Content-Type"] == "application/json"
