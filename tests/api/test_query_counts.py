"""How many queries a list makes: as many for one picture as for hundreds."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import SecurityEvent, Session, User
from images.models import Link, Picture
from notifications.models import Feed, PictureEvent
from tests.api.json_schema import generated_document
from tests.clients import Client
from tests.factories import PASSWORD
from thumbnails.models import Thumbnail

# Address, how many statements, and what the document calls the list.
LISTS = [
    ("/api/user/images/", 2, "/api/user/images/"),
    ("/api/user/images/?fields=all", 3, "/api/user/images/"),
    ("/api/user/images/?fields=all&order=created_at&q=k", 3, "/api/user/images/"),
    ("/api/user/thumbnails/", 2, "/api/user/thumbnails/"),
    ("/api/user/links/", 2, "/api/user/links/"),
    ("/api/user/events/?since=0", 3, "/api/user/events/"),
    ("/api/user/sessions/", 2, "/api/user/sessions/"),
    ("/api/user/account/log/", 2, "/api/user/account/log/"),
    ("/api/me", 2, "/api/me"),
    ("/pictures/get-user-pictures/{owner}", 2, "/pictures/get-user-pictures/{user_id}"),
]
ONE = [
    ("/api/user/images/{picture}/", 2),
    ("/api/user/images/{picture}/?fields=all", 3),
    ("/api/user/thumbnails/{thumbnail}/", 2),
    ("/api/user/links/{link}/", 2),
    ("/pictures/get-active-picture/{owner}", 2),
    ("/auth/currentUser", 1),
    ("/api/user/account/", 2),
    ("/api/user/usage/", 2),
]


@pytest.fixture
def pictures(alice: User) -> Callable[[int], Picture]:
    """Return a function that gives alice pictures, each with two thumbnails and an event.

    And as many sessions and entries of her security log.
    """

    def make(count: int) -> Picture:
        made = Picture.objects.bulk_create(picture(alice, number) for number in range(count))
        Thumbnail.objects.bulk_create(thumbnail(each, px) for each in made for px in (200, 400))
        Link.objects.bulk_create(link(each) for each in made)
        Feed.objects.create(owner=alice, last=count)
        PictureEvent.objects.bulk_create(
            PictureEvent(owner=alice, sequence=number + 1, type="picture.deleted")
            for number in range(count)
        )
        SecurityEvent.objects.bulk_create(
            SecurityEvent(kind="sign-in", user_id=alice.pk) for _ in range(count)
        )
        later = timezone.now() + timedelta(days=1)
        Session.objects.bulk_create(
            Session(user=alice, scheme="bearer", expires_at=later) for _ in range(count)
        )
        cache.clear()
        return made[0]

    return make


def picture(owner: User, number: int) -> Picture:
    uid = uuid.uuid4()
    return Picture(
        uid=uid,
        owner=owner,
        key=f"users/{owner.pk}/{uid}.png",
        format="PNG",
        width=4,
        height=3,
        bytes=100,
        sha256="0" * 64,
        name=f"k{number}.png",
        is_active=number == 0,
        rendering=Picture.Rendering.READY,
    )


def link(to: Picture) -> Link:
    """A link that staff made: whether it opens depends on their permissions."""
    maker, _ = User.objects.get_or_create(
        username="linker", defaults={"is_staff": True, "tier": to.owner.tier}
    )
    expires_at = timezone.now() + timedelta(hours=1)
    return Link(picture=to, owner=to.owner, maker=maker, expires_at=expires_at)


def thumbnail(of: Picture, height: int) -> Thumbnail:
    return Thumbnail(
        picture=of,
        owner=of.owner,
        height=height,
        width_px=4,
        height_px=3,
        key=f"{of.key}_{height}",
        content_type="image/png",
        bytes=100,
    )


# One, and more than a page holds.
@pytest.mark.unhurried
@pytest.mark.parametrize("count", [1, 120])
@pytest.mark.parametrize(("address", "queries", "_"), LISTS)
def test_a_list_costs_the_same_however_many_pictures(
    pictures: Callable[[int], Picture],
    alice: User,
    as_alice: Client,
    count: int,
    address: str,
    queries: int,
    _: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    pictures(count)
    with django_assert_num_queries(queries):
        found = as_alice.get(address.format(owner=alice.pk)).json()
    rows = found["images"] if isinstance(found, dict) else found
    assert len(rows) >= min(count, 100)


@pytest.mark.parametrize(
    ("address", "queries"),
    [(address, queries) for address, queries, _ in LISTS if "events" not in address],
)
def test_a_later_page_costs_what_the_first_does(
    pictures: Callable[[int], Picture],
    alice: User,
    as_alice: Client,
    address: str,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    pictures(30)
    sign = "&" if "?" in address else "?"
    first = as_alice.get(f"{address.format(owner=alice.pk)}{sign}limit=10")
    following = first["Link"].split(">")[0].removeprefix("<http://testserver")
    with django_assert_num_queries(queries):
        assert as_alice.get(following).status_code == 200


@pytest.mark.parametrize("path", ["/auth/signin", "/api/user/jwt-login/"])
def test_a_sign_in_takes_six_statements(
    alice: User, path: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Account; then together its lock with the last use, the session, the log's row.

    So for a client that the log does not know, that this process has not found there, and others.
    """
    login = "login" if path.startswith("/auth") else "username"
    body = {login: alice.username, "password": PASSWORD}
    # What no request asks twice: the rows of tables that are small.
    Client().post(path, body, content_type="application/json", headers={"User-Agent": "another"})
    for is_new in (True, False, False):
        # A savepoint for the begin and the end of the transaction.
        with django_assert_num_queries(6):
            response = Client().post(path, body, content_type="application/json")
        assert response.status_code == 200
        assert SecurityEvent.objects.latest("pk").is_new_device is is_new


@pytest.mark.parametrize(("address", "queries"), ONE)
def test_a_single_read_costs_few(
    pictures: Callable[[int], Picture],
    alice: User,
    as_alice: Client,
    address: str,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    made = pictures(30)
    path = address.format(
        owner=alice.pk,
        picture=made.pk,
        thumbnail=made.thumbnails.values_list("pk", flat=True)[0],
        link=made.links.values_list("pk", flat=True)[0],
    )
    with django_assert_num_queries(queries):
        assert as_alice.get(path).status_code == 200


def test_no_list_is_left_out() -> None:
    """Every address that returns an array, as the document has it, stands in the table above."""
    paths = generated_document()["paths"]
    lists = {path for path, methods in paths.items() if returns_a_list(methods.get("get"))}
    # Its list is a field beside the account's.
    assert lists == {name for _, _, name in LISTS} - {"/api/me"}


def returns_a_list(operation: dict[str, Any] | None) -> bool:
    if operation is None:
        return False
    content = operation["responses"].get("200", {}).get("content", {})
    return bool(content.get("application/json", {}).get("schema", {}).get("type") == "array")
