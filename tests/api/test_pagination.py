"""Pages of a list: their size, where they begin, and the address of the next."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.models import Session, User
from api.own_lists import own_pictures
from api.pagination import MAX_PAGE_SIZE, Rows, page_response, read_cursor, read_limit, read_page
from images.models import Picture
from lib.keyset import ChosenRows
from tests.rows import make_row

FIELDS = ("id", "created_at")
Execute = Callable[..., object]


def ask(address: str = "/api/user/images/") -> Request:
    return Request(RequestFactory().get(address))


def make_pictures(owner: User) -> QuerySet[Any, Any]:
    """Make five, of which three are of the same moment."""
    now = timezone.now()
    for age in (0, 1, 1, 1, 2):
        make_row(owner, created_at=now - timedelta(hours=age))
    return Picture.objects.owned_by(owner)


def make_sessions(owner: User) -> QuerySet[Any, Any]:
    """The same, with UUIDs for ids."""
    now = timezone.now()
    for age in (0, 1, 1, 1, 2):
        Session.objects.create(
            user=owner, scheme="bearer", expires_at=now, created_at=now - timedelta(hours=age)
        )
    return Session.objects.of(owner)


def make_compiled(owner: User) -> ChosenRows:
    """Pictures again, by SQL that is compiled once."""
    make_pictures(owner)
    return own_pictures.of(owner.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("make", [make_pictures, make_sessions, make_compiled])
def test_pages_follow_each_other_in_either_order_and_repeat_nothing(
    alice: User, bob: User, make: Callable[[User], Rows], size: int, oldest_first: bool
) -> None:
    queryset = make(alice)
    # Of which nothing may be seen.
    make(bob)
    sign = "" if oldest_first else "-"
    own = Picture.objects.owned_by(alice) if isinstance(queryset, ChosenRows) else queryset
    expected = list(own.order_by(f"{sign}created_at", f"{sign}id").values_list("id", flat=True))
    address, pages = f"/api/user/images/?limit={size}&q=a+b", []
    while address:
        rows, address = read_page(ask(address), queryset, FIELDS, oldest_first=oldest_first)
        pages.append([row["id"] for row in rows])
        assert not address or parse_qs(urlsplit(address).query)["q"] == ["a b"]
    assert [each for page in pages for each in page] == expected
    # The last page is full, or shorter; no empty one follows it.
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
    assert 0 < len(pages[-1]) <= size


@pytest.mark.django_db
def test_a_list_that_fits_a_page_has_no_next(alice: User) -> None:
    queryset = make_pictures(alice)
    rows, address = read_page(ask(), queryset, FIELDS, default_size=5)
    assert (len(rows), address) == (5, "")
    rows, address = read_page(ask(), queryset, FIELDS, default_size=4)
    assert len(rows) == 4
    assert address.startswith("http://testserver/api/user/images/?cursor=")
    assert set(rows[0]) == set(FIELDS)
    assert read_page(ask(), queryset.none(), FIELDS) == ([], "")


@pytest.mark.django_db
@pytest.mark.parametrize("make", [make_pictures, make_sessions, make_compiled])
def test_a_page_of_a_long_list_reads_no_more_than_it_shows_and_one(
    alice: User, make: Callable[[User], Rows]
) -> None:
    """Whoever has a million pictures asks for as much memory as who has ten."""
    queryset, read = make(alice), []

    def count(execute: Execute, sql: str, parameters: Any, many: bool, context: Any) -> object:
        execute(sql, parameters, many, context)
        read.append(len(context["cursor"].fetchall()))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(count):
        rows, _ = read_page(ask("/api/user/images/?limit=2"), queryset, FIELDS)
    assert (len(rows), read) == (2, [3])


def test_a_page_names_the_next_in_its_link_header_beside_others() -> None:
    response = page_response([1], "https://a.example/?cursor=x", headers={"ETag": '"1"'})
    assert response.data == [1]
    assert response["Link"] == '<https://a.example/?cursor=x>; rel="next"'
    assert response["ETag"] == '"1"'
    assert "Link" not in page_response([], "")


@pytest.mark.parametrize("text", ["1", "7", "007", str(MAX_PAGE_SIZE)])
def test_the_size_of_a_page_is_within_its_bounds(text: str) -> None:
    assert read_limit(text) == int(text)
    assert (read_limit(None), read_limit(None, 20)) == (100, 20)


@pytest.mark.parametrize("text", ["", "0", "1001", "-1", "1.0", " 1", "\u0661", "00001"])
def test_what_is_no_size_of_a_page_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read_limit(text)
    assert refused.value.detail == {"limit": ["A whole number from 1 to 1000."]}


@pytest.mark.parametrize("id_type", [int, UUID])
def test_what_is_no_cursor_is_refused_by_its_name(id_type: type[int | UUID]) -> None:
    assert read_cursor(None, id_type) is None
    with pytest.raises(ValidationError) as refused:
        read_cursor("x", id_type)
    assert refused.value.detail == {"cursor": ["Not a cursor of this list."]}
