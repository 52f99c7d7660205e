"""Avatars: which thumbnail an account's avatar redirects to, and who may see it."""

import uuid
from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.services import move_to_tier
from images.models import Picture
from images.services import activate, update_picture
from tests.clients import Client
from tests.factories import make_picture, tier
from thumbnails.deletion import delete_all

pytestmark = [pytest.mark.django_db, pytest.mark.storages]

DEFAULT = "/images/default/default.png"


def avatar_url(picture: Picture, height: int) -> str:
    name = picture.thumbnails.get(height=height).key.rsplit("/", 1)[-1]
    return f"/avatars/{picture.owner_id}/{name}"


def test_an_account_without_a_picture_shows_the_default_one(browser: Client, alice: User) -> None:
    response = browser.get(f"/avatars/{alice.pk}")
    assert (response.status_code, response["Location"]) == (302, DEFAULT)
    assert browser.get(DEFAULT).status_code == 200


def test_the_avatar_of_no_account_is_the_default_one(browser: Client, alice: User) -> None:
    somebody, nobody = (browser.get(f"/avatars/{each}") for each in (alice.pk, uuid.uuid4()))
    assert nobody["Location"] == somebody["Location"] == DEFAULT


def test_an_avatar_is_a_thumbnail_of_the_active_picture(
    browser: Client, alice: User, shown: Callable[..., Picture]
) -> None:
    picture = shown(alice)
    response = browser.get(f"/avatars/{alice.pk}")
    assert (response.status_code, response["Location"]) == (302, avatar_url(picture, 200))
    sent = browser.get(response["Location"])
    assert sent.status_code == 200
    assert len(sent.getvalue()) == picture.thumbnails.get(height=200).bytes


def test_the_redirect_is_revalidated_and_the_thumbnail_immutable(
    browser: Client, alice: User, shown: Callable[..., Picture]
) -> None:
    shown(alice)
    redirect = browser.get(f"/avatars/{alice.pk}")
    assert redirect["Cache-Control"] == "no-cache"
    sent = browser.get(redirect["Location"])
    assert sent["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("condition", ["*", '"anything"'])
def test_a_condition_never_turns_the_redirect_into_not_modified(
    browser: Client, alice: User, shown: Callable[..., Picture], condition: str
) -> None:
    """RFC 9110, 13.2.1: conditions apply to what would be a 2xx alone."""
    shown(alice)
    response = browser.get(f"/avatars/{alice.pk}", headers={"If-None-Match": condition})
    assert response.status_code == 302
    assert "ETag" not in response


def test_a_change_shows_at_once(
    browser: Client, alice: User, shown: Callable[..., Picture]
) -> None:
    shown(alice)
    browser.get(f"/avatars/{alice.pk}")
    second = shown(alice)
    after = browser.get(f"/avatars/{alice.pk}")
    assert (after.status_code, after["Location"]) == (302, avatar_url(second, 200))
    delete_all(alice.pk)
    assert browser.get(f"/avatars/{alice.pk}")["Location"] == DEFAULT


@pytest.mark.parametrize(
    ("asked", "height"),
    [
        ("1", 200), ("299", 200), ("300", 200), ("301", 400), ("99999", 400),
        ("", 200), ("x", 200), ("-1", 200), ("9" * 5000, 200),
    ],
)  # fmt: skip
def test_the_nearest_allowed_height_is_shown(
    browser: Client, alice: User, shown: Callable[..., Picture], asked: str, height: int
) -> None:
    picture = shown(alice)
    response = browser.get(f"/avatars/{alice.pk}", {"height": asked})
    assert response["Location"] == avatar_url(picture, height)


def test_a_height_that_the_tier_no_longer_grants_is_not_shown(
    browser: Client, alice: User, shown: Callable[..., Picture]
) -> None:
    picture = shown(alice)
    gone = avatar_url(picture, 400)
    move_to_tier(alice, tier("Basic"))
    location = browser.get(f"/avatars/{alice.pk}?height=400")["Location"]
    assert location == avatar_url(picture, 200)
    assert browser.get(gone).status_code == 404


def test_the_default_is_shown_until_thumbnails_are_rendered(browser: Client, alice: User) -> None:
    activate(make_picture(alice, visibility="public"))
    assert browser.get(f"/avatars/{alice.pk}")["Location"] == DEFAULT


@pytest.mark.unhurried
@pytest.mark.parametrize(
    ("visibility", "anonymous", "member", "owner", "kept"),
    [
        ("public", True, True, True, "public"),
        ("members", False, True, True, "private"),
        ("private", False, False, True, "private"),
    ],
)
def test_an_avatar_is_visible_to_those_who_may_see_its_picture(
    browser: Client,
    alice: User,
    as_alice: Client,
    as_bob: Client,
    shown: Callable[..., Picture],
    visibility: str,
    anonymous: bool,
    member: bool,
    owner: bool,
    kept: str,
) -> None:
    picture = shown(alice, visibility)
    thumbnail = avatar_url(picture, 200)
    for client, sees in ((browser, anonymous), (as_bob, member), (as_alice, owner)):
        location = client.get(f"/avatars/{alice.pk}")["Location"]
        sent = client.get(thumbnail)
        assert (location, sent.status_code) == ((thumbnail, 200) if sees else (DEFAULT, 404))
        if sees:
            assert sent["Cache-Control"].startswith(kept)


def test_an_original_is_never_served_as_an_avatar(
    as_alice: Client, alice: User, shown: Callable[..., Picture]
) -> None:
    picture = shown(alice)
    assert as_alice.get(f"/avatars/{alice.pk}/{picture.file_name}").status_code == 404


def test_a_thumbnail_of_a_picture_made_private_is_gone(
    browser: Client, alice: User, shown: Callable[..., Picture]
) -> None:
    picture = shown(alice)
    address = avatar_url(picture, 200)
    update_picture(picture, visibility="private")
    assert browser.get(address).status_code == 404


def test_a_public_avatar_takes_one_query_and_its_thumbnail_one(
    browser: Client,
    alice: User,
    shown: Callable[..., Picture],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    shown(alice)
    with django_assert_num_queries(1):
        location = browser.get(f"/avatars/{alice.pk}")["Location"]
    with django_assert_num_queries(1):
        assert browser.get(location).status_code == 200


@pytest.mark.parametrize("name", ["a%00b.jpg", "..%2fx.jpg", "%ff", ".x", "no.jpg"])
def test_a_malformed_avatar_name_is_not_found(browser: Client, alice: User, name: str) -> None:
    assert browser.get(f"/avatars/{alice.pk}/{name}").status_code == 404
