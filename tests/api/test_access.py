"""Who gets what at the image RESTful API: every route, person by person."""

import pytest

from tests.clients import Client
from tests.factories import make_picture, make_user, token_client
from tests.pictures import jpeg

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PEOPLE = ("owner", "stranger", "basic_owner", "staff", "anonymous")
# Route, then the answer for each of PEOPLE; a basic owner owns their own picture.
TABLE = [
    ("GET", "images/", 200, 200, 200, 200, 401),
    ("GET", "images/{picture}/", 200, 404, 200, 200, 401),
    ("DELETE", "images/{picture}/", 204, 404, 204, 204, 401),
    ("GET", "thumbnails/", 200, 200, 200, 200, 401),
    ("GET", "thumbnails/{thumbnail}/", 200, 404, 200, 200, 401),
    ("DELETE", "thumbnails/{thumbnail}/", 204, 404, 204, 204, 401),
    ("GET", "link/{picture}/?time=300", 200, 404, 403, 200, 401),
]
CASES = [
    pytest.param(method, route, person, status, id=f"{method} {route} {person}")
    for method, route, *answers in TABLE
    for person, status in zip(PEOPLE, answers, strict=True)
]


@pytest.mark.parametrize(("method", "route", "person", "status"), CASES)
def test_access(
    alice, bob, staff, django_capture_on_commit_callbacks, method, route, person, status
):
    basic = make_user("basic", "Basic")
    owner = basic if person == "basic_owner" else alice
    with django_capture_on_commit_callbacks(execute=True):
        picture = make_picture(owner, jpeg(300, 250))
    people = {"owner": alice, "stranger": bob, "basic_owner": basic, "staff": staff}
    client = token_client(people[person]) if person in people else Client()
    path = route.format(picture=picture.pk, thumbnail=picture.thumbnails.get(height=200).pk)
    assert client.generic(method, f"/api/user/{path}").status_code == status
