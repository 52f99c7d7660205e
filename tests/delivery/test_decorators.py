"""Who the viewer of a page is, by tokens and cookies."""

from collections.abc import Callable

import pytest

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_cookie_session
from images.models import Picture
from tests.clients import Client

pytestmark = [pytest.mark.django_db, pytest.mark.storages]


def avatar_url(picture: Picture, height: int) -> str:
    name = picture.thumbnails.get(height=height).key.rsplit("/", 1)[-1]
    return f"/avatars/{picture.owner_id}/{name}"


def test_an_invalid_token_sees_what_anyone_sees(alice: User, shown: Callable[..., Picture]) -> None:
    picture = shown(alice)
    client = Client(headers={"Authorization": "Bearer a.b.c"})
    assert client.get(f"/avatars/{alice.pk}")["Location"] == avatar_url(picture, 200)


def test_renewed_cookies_are_set_on_a_response_that_no_shared_cache_stores(
    browser: Client, alice: User, shown: Callable[..., Picture]
) -> None:
    """An access cookie that is over is renewed by the refresh cookie, at these addresses too."""
    picture = shown(alice, "members")
    browser.cookies["refresh_token"] = open_cookie_session(alice, RequestOrigin()).refresh
    response = browser.get(f"/avatars/{alice.pk}")
    assert response["Location"] == avatar_url(picture, 200)
    assert response.cookies.keys() == {"access_token", "refresh_token"}
    assert response["Cache-Control"] == "private, no-cache"
    assert browser.get(response["Location"]).status_code == 200
