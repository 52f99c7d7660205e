"""`PATCH /api/user/images/{id}/`: an owner describes a picture and says who may see it."""

import pytest

from tests.clients import Client
from tests.factories import make_picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def picture(alice):
    return make_picture(alice)


def change(client, picture, body):
    return client.patch(f"/api/user/images/{picture.pk}/", body, content_type="application/json")


def test_what_is_given_changes_and_what_is_not_stays(as_alice, picture):
    first = change(as_alice, picture, {"description": " A cat, asleep\n"})
    assert first.status_code == 200
    assert first.json() == {
        "id": picture.pk,
        "image": first.json()["image"],
        "description": " A cat, asleep\n",
        "visibility": "private",
        "thumbhash": None,
        "dominant_color": None,
    }
    second = change(as_alice, picture, {"visibility": "public"}).json()
    assert (second["description"], second["visibility"]) == (" A cat, asleep\n", "public")
    read = as_alice.get(f"/api/user/images/{picture.pk}/").json()
    assert (read["description"], read["visibility"]) == (" A cat, asleep\n", "public")


def test_a_description_may_be_emptied(as_alice, picture):
    change(as_alice, picture, {"description": "x"})
    assert change(as_alice, picture, {"description": ""}).json()["description"] == ""


def test_nothing_given_changes_nothing(as_alice, picture):
    assert change(as_alice, picture, {}).json()["visibility"] == "private"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"visibility": "friends"}, "visibility"),
        ({"visibility": None}, "visibility"),
        ({"description": "x" * 2001}, "description"),
        ({"description": "a\0b"}, "description"),
        ({"description": ["x"]}, "description"),
        ([], "non_field_errors"),
    ],
)
def test_what_is_not_understood_is_refused_by_field(as_alice, picture, body, field):
    response = change(as_alice, picture, body)
    assert (response.status_code, response.json().keys()) == (400, {field})
    picture.refresh_from_db()
    assert (picture.visibility, picture.description) == ("private", "")


def test_a_stranger_finds_nothing_to_change(as_bob, picture):
    assert change(as_bob, picture, {"visibility": "public"}).status_code == 404


def test_a_picture_made_public_opens_for_anyone_and_made_private_for_nobody(as_alice, picture):
    address = f"/images/{picture.key}"
    assert Client().get(address).status_code == 404
    change(as_alice, picture, {"visibility": "public"})
    assert Client().get(address).status_code == 200
    change(as_alice, picture, {"visibility": "private"})
    assert Client().get(address).status_code == 404
