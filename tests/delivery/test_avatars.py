"""The one picture that stands for an account, at an address that stays."""

import uuid

import pytest

from accounts.request_origin import RequestOrigin
from accounts.services import move_to_tier
from accounts.sessions import open_cookie_session
from images.services import activate, delete_all, update_picture
from tests.clients import Client
from tests.factories import make_picture, tier
from tests.pictures import jpeg

pytestmark = [pytest.mark.django_db, pytest.mark.storages]

DEFAULT = "/images/default/default.png"


@pytest.fixture
def browser():
    return Client()


@pytest.fixture
def shown(django_capture_on_commit_callbacks):
    """Return a function that makes a rendered picture its owner's active one."""

    def make(owner, visibility="public"):
        with django_capture_on_commit_callbacks(execute=True):
            picture = make_picture(owner, jpeg(900, 600), visibility=visibility)
            activate(picture)
        return picture

    return make


def signed_url(picture, height):
    name = picture.thumbnails.get(height=height).key.rsplit("/", 1)[-1]
    return f"/avatars/{picture.owner_id}/{name}"


def test_an_account_without_a_picture_shows_the_default_one(browser, alice):
    response = browser.get(f"/avatars/{alice.pk}")
    assert (response.status_code, response["Location"]) == (302, DEFAULT)
    assert browser.get(DEFAULT).status_code == 200


def test_nobodys_avatar_tells_nothing(browser, alice):
    somebody, nobody = (browser.get(f"/avatars/{each}") for each in (alice.pk, uuid.uuid4()))
    assert nobody["Location"] == somebody["Location"] == DEFAULT


def test_an_active_picture_shows_as_its_thumbnail(browser, alice, shown):
    picture = shown(alice)
    response = browser.get(f"/avatars/{alice.pk}")
    assert (response.status_code, response["Location"]) == (302, signed_url(picture, 200))
    sent = browser.get(response["Location"])
    assert sent.status_code == 200
    assert len(sent.getvalue()) == picture.thumbnails.get(height=200).bytes


def test_the_redirect_is_asked_for_each_time_and_the_thumbnail_kept_for_ever(browser, alice, shown):
    shown(alice)
    redirect = browser.get(f"/avatars/{alice.pk}")
    assert redirect["Cache-Control"] == "no-cache"
    sent = browser.get(redirect["Location"])
    assert sent["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("condition", ["*", '"anything"'])
def test_a_condition_never_turns_the_redirect_into_not_modified(browser, alice, shown, condition):
    """RFC 9110, 13.2.1: conditions apply to what would be a 2xx alone."""
    shown(alice)
    response = browser.get(f"/avatars/{alice.pk}", headers={"If-None-Match": condition})
    assert response.status_code == 302
    assert "ETag" not in response


def test_a_change_shows_at_once(browser, alice, shown):
    shown(alice)
    browser.get(f"/avatars/{alice.pk}")
    second = shown(alice)
    after = browser.get(f"/avatars/{alice.pk}")
    assert (after.status_code, after["Location"]) == (302, signed_url(second, 200))
    delete_all(alice.pk)
    assert browser.get(f"/avatars/{alice.pk}")["Location"] == DEFAULT


@pytest.mark.parametrize(
    ("asked", "height"),
    [
        ("1", 200), ("299", 200), ("300", 200), ("301", 400), ("99999", 400),
        ("", 200), ("x", 200), ("-1", 200), ("9" * 5000, 200),
    ],
)  # fmt: skip
def test_the_nearest_allowed_height_is_shown(browser, alice, shown, asked, height):
    picture = shown(alice)
    response = browser.get(f"/avatars/{alice.pk}", {"height": asked})
    assert response["Location"] == signed_url(picture, height)


def test_a_height_that_the_tier_no_longer_grants_is_not_shown(browser, alice, shown):
    picture = shown(alice)
    gone = signed_url(picture, 400)
    move_to_tier(alice, tier("Basic"))
    location = browser.get(f"/avatars/{alice.pk}?height=400")["Location"]
    assert location == signed_url(picture, 200)
    assert browser.get(gone).status_code == 404


def test_until_the_thumbnails_are_made_the_default_shows(browser, alice):
    activate(make_picture(alice, visibility="public"))
    assert browser.get(f"/avatars/{alice.pk}")["Location"] == DEFAULT


@pytest.mark.parametrize(
    ("visibility", "anonymous", "member", "owner", "kept"),
    [
        ("public", True, True, True, "public"),
        ("members", False, True, True, "private"),
        ("private", False, False, True, "private"),
    ],
)
def test_an_avatar_shows_to_whom_its_picture_does(
    browser, alice, as_alice, as_bob, shown, visibility, anonymous, member, owner, kept
):
    picture = shown(alice, visibility)
    thumbnail = signed_url(picture, 200)
    for client, sees in ((browser, anonymous), (as_bob, member), (as_alice, owner)):
        location = client.get(f"/avatars/{alice.pk}")["Location"]
        sent = client.get(thumbnail)
        assert (location, sent.status_code) == ((thumbnail, 200) if sees else (DEFAULT, 404))
        if sees:
            assert sent["Cache-Control"].startswith(kept)


def test_an_original_never_leaves_as_an_avatar(as_alice, alice, shown):
    picture = shown(alice)
    assert as_alice.get(f"/avatars/{alice.pk}/{picture.file_name}").status_code == 404


def test_a_thumbnail_of_a_picture_made_private_is_gone(browser, alice, shown):
    picture = shown(alice)
    address = signed_url(picture, 200)
    update_picture(picture, visibility="private")
    assert browser.get(address).status_code == 404


def test_a_public_avatar_takes_one_query_and_its_thumbnail_one(
    browser, alice, shown, django_assert_num_queries
):
    shown(alice)
    with django_assert_num_queries(1):
        location = browser.get(f"/avatars/{alice.pk}")["Location"]
    with django_assert_num_queries(1):
        assert browser.get(location).status_code == 200


@pytest.mark.parametrize("name", ["a%00b.jpg", "..%2fx.jpg", "%ff", ".x", "no.jpg"])
def test_an_odd_name_leads_nowhere(browser, alice, name):
    assert browser.get(f"/avatars/{alice.pk}/{name}").status_code == 404


def test_a_token_that_does_not_stand_sees_what_anyone_sees(alice, shown):
    picture = shown(alice)
    client = Client(headers={"Authorization": "Bearer a.b.c"})
    assert client.get(f"/avatars/{alice.pk}")["Location"] == signed_url(picture, 200)


def test_cookies_renewed_on_the_way_are_sent_and_never_shared(browser, alice, shown):
    """An access cookie that is over is renewed by the refresh cookie, at these addresses too."""
    picture = shown(alice, "members")
    browser.cookies["refresh_token"] = open_cookie_session(alice, RequestOrigin()).refresh
    response = browser.get(f"/avatars/{alice.pk}")
    assert response["Location"] == signed_url(picture, 200)
    assert response.cookies.keys() == {"access_token", "refresh_token"}
    assert response["Cache-Control"] == "private, no-cache"
    assert browser.get(response["Location"]).status_code == 200
