"""The feed over HTTP: the same events as on the socket, page by page."""

import re

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from images.services import delete_picture
from notifications.models import PictureEvent
from tests.clients import Client, Response
from tests.factories import make_picture

pytestmark = pytest.mark.django_db
EVENTS = "/api/user/events/"


def ids(response: Response) -> list[int]:
    assert response.status_code == 200, response.content
    return [event["id"] for event in response.json()]


@pytest.mark.sqlite
def test_events_are_read_from_the_last_one_known(alice: User, as_alice: Client) -> None:
    picture = make_picture(alice)
    delete_picture(picture)
    events = as_alice.get(EVENTS, {"since": 0}).json()
    assert [event["type"] for event in events] == ["picture.created", "picture.deleted"]
    assert events[0]["picture"]["file_name"] == picture.file_name
    assert ids(as_alice.get(EVENTS, {"since": 1})) == [2]
    response = as_alice.get(EVENTS, {"since": 2})
    assert (response.json(), response["Last-Event-ID"]) == ([], "2")


def test_pages_lead_to_each_other(alice: User, as_alice: Client) -> None:
    for _ in range(5):
        make_picture(alice)
    first = as_alice.get(EVENTS, {"since": 0, "limit": 2})
    assert (ids(first), first["Last-Event-ID"]) == ([1, 2], "5")
    following = re.fullmatch(r'<http://testserver(.+)>; rel="next"', first["Link"])
    assert following is not None
    second = as_alice.get(following.group(1))
    assert ids(second) == [3, 4]
    last = as_alice.get(EVENTS, {"since": 4, "limit": 2})
    assert (ids(last), "Link" in last) == ([5], False)


def test_without_since_all_stored_events_are_read(alice: User, as_alice: Client) -> None:
    assert ids(as_alice.get(EVENTS)) == []
    for _ in range(3):
        make_picture(alice)
    PictureEvent.objects.filter(sequence=1).delete()
    assert ids(as_alice.get(EVENTS)) == [2, 3]


def test_a_client_that_missed_removed_events_has_to_reload(alice: User, as_alice: Client) -> None:
    for _ in range(3):
        make_picture(alice)
    PictureEvent.objects.filter(sequence=1).delete()
    [event] = as_alice.get(EVENTS, {"since": 0}).json()
    assert (event["type"], event["id"]) == ("events.reset", 3)


def test_own_events_only_but_for_staff(alice: User, as_bob: Client, as_staff: Client) -> None:
    make_picture(alice)
    assert ids(as_bob.get(EVENTS, {"since": 0})) == []
    assert as_bob.get(EVENTS, {"user": str(alice.pk)}).status_code == 403
    assert ids(as_staff.get(EVENTS, {"user": str(alice.pk)})) == [1]
    nobody = "00000000-0000-4000-8000-000000000000"
    assert as_staff.get(EVENTS, {"user": nobody}).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"since": -1},
        {"since": "x"},
        {"since": "+1"},
        {"since": " 1"},
        {"since": "1_0"},
        {"since": "1.0"},
        {"since": "\u0661"},
        {"since": ""},
        {"since": "1" * 20},
        {"limit": 0},
        {"limit": "+5"},
        {"limit": "5_0"},
        {"limit": "\u0665"},
        {"limit": "5 "},
        {"user": "alice"},
        {"user": "{00000000-0000-4000-8000-000000000000}"},
        {"user": "0000000\u0660-0000-4000-8000-000000000000"},
        {"user": "1"},
    ],
)
def test_a_query_that_cannot_be_read_names_its_field(
    as_alice: Client, query: dict[str, int | str]
) -> None:
    response = as_alice.get(EVENTS, query)
    assert (response.status_code, set(response.json())) == (400, set(query))


def test_a_page_costs_three_queries(
    alice: User, as_alice: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        make_picture(alice)
    with django_assert_num_queries(3):
        as_alice.get(EVENTS, {"since": 0})
