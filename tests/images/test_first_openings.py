"""The first opening of a link: its owner is told once, whoever counts it and whoever races."""

from collections.abc import Callable
from functools import partial
from uuid import uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from images.exceptions import LinkGone
from images.link_visits import spend_opening
from images.links import LinkToken, count_opening, make_link, open_link
from images.models import Link, Picture
from images.opening_counter import OpeningCounter
from images.services import delete_picture
from notifications.models import PictureEvent
from tests.clients import Client
from tests.factories import make_picture, make_staff, token_client
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db


def link_to(picture: Picture, maker: User | None = None, max_opens: int | None = None) -> Link:
    maker = maker or picture.owner
    return make_link(maker=maker, picture=picture, seconds=300, max_opens=max_opens)[0]


def told(user: User) -> list[int]:
    """Return the links that an account was told of, in order."""
    events = PictureEvent.objects.filter(owner=user, type="link.opened").order_by("sequence")
    return [link_id for link_id in events.values_list("link_id", flat=True) if link_id]


def written(counter: OpeningCounter, *openings: Link) -> None:
    for link in openings:
        counter.add(link.pk)
    counter.write()


def test_openings_that_are_counted_together_tell_each_owner_once_of_each_link(
    alice: User, bob: User
) -> None:
    picture, of_bob = make_picture(alice), make_picture(bob)
    first, second, others, unopened = (
        link_to(picture),
        link_to(picture),
        link_to(of_bob),
        link_to(picture),
    )
    counter = OpeningCounter(writes_itself=False)
    written(counter, first, second, first, others)
    written(counter, first, second)
    assert sorted(told(alice)) == [first.pk, second.pk]
    assert told(bob) == [others.pk]
    opened = dict(Link.objects.values_list("pk", "opened"))
    assert opened == {first.pk: 3, second.pk: 2, others.pk: 1, unopened.pk: 0}


def test_a_link_with_openings_tells_of_the_first_alone(alice: User) -> None:
    link = link_to(make_picture(alice), max_opens=3)
    for _ in range(2):
        opened = open_link(LinkToken(link.pk))
        spend_opening(opened, uuid4())
    assert told(alice) == [link.pk]
    assert Link.objects.get().opened == 2


def test_the_owner_is_told_also_of_a_link_that_staff_made(alice: User) -> None:
    clerk = make_staff("clerk", "images.add_link")
    link = link_to(make_picture(alice), clerk)
    count_opening(link)
    assert told(alice) == [link.pk]
    assert told(clerk) == []


def test_what_is_gone_tells_nobody_and_stops_no_other(alice: User) -> None:
    gone, stays = link_to(make_picture(alice)), link_to(make_picture(alice))
    one_time = link_to(gone.picture, max_opens=1)
    delete_picture(gone.picture)
    written(OpeningCounter(writes_itself=False), gone, stays)
    with pytest.raises(LinkGone):
        spend_opening(one_time, uuid4())
    assert told(alice) == [stays.pk]


def test_the_event_names_picture_and_link(alice: User) -> None:
    picture = make_picture(alice)
    link = link_to(picture)
    count_opening(link)
    event = token_client(alice).get("/api/user/events/").json()[-1]
    assert (event["type"], event["link_id"], event["picture"]["id"]) == (
        "link.opened", link.pk, picture.pk,
    )  # fmt: skip


def test_opening_a_link_as_a_browser_does_tells_its_owner(alice: User) -> None:
    client = token_client(alice)
    picture = make_picture(alice)
    body = {"image_id": picture.pk, "expires_in": 300}
    made = client.post("/api/user/links/", body, content_type="application/json").json()
    for _ in range(2):
        assert Client().get("/l/" + made["url"].rpartition("/l/")[2]).status_code == 200
    assert told(alice) == [made["id"]]


def test_later_openings_take_no_more_queries(
    alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    links = [link_to(make_picture(alice)) for _ in range(5)]
    counter = OpeningCounter(writes_itself=False)
    written(counter, *links)
    with django_assert_max_num_queries(6):
        written(counter, *links)


@pytest.mark.unhurried
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_of_processes_that_race_for_the_first_opening_one_tells(alice: User) -> None:
    for _ in range(6):
        picture = make_picture(alice)
        plain, asking = link_to(picture), link_to(picture, max_opens=9)

        def count(link: Link = plain) -> None:
            written(OpeningCounter(writes_itself=False), link)

        def spend(link: Link = asking) -> None:
            spend_opening(open_link(LinkToken(link.pk)), uuid4())

        before = len(told(alice))
        works: list[Callable[[], None]] = [count, count, spend, spend, partial(delete_other, alice)]
        run_in_parallel(works)
        assert sorted(told(alice)[before:]) == [plain.pk, asking.pk]
        assert set(Link.objects.filter(picture=picture).values_list("opened", flat=True)) == {2}


def delete_other(user: User) -> None:
    """Take the account's feed, and the locks of another picture with a link."""
    picture = make_picture(user)
    count_opening(link_to(picture))
    PictureEvent.objects.filter(owner=user, picture__id=picture.pk, type="link.opened").delete()
    delete_picture(picture)
