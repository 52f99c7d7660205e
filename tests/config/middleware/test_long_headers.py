"""Headers of thousands of members: cut, and so cheap to parse."""

import time

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from accounts.cookies import cookie_values
from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_cookie_session
from config.middleware.long_headers import LIMITS, cut, long_headers_middleware
from delivery.accept import preferred_formats
from images.signed_urls import signed_path
from tests.clients import Client
from tests.factories import make_picture
from tests.pictures import png


def passed_on(**headers: str) -> HttpRequest:
    seen: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    long_headers_middleware(view)(RequestFactory().get("/", headers=headers))
    return seen[0]


@pytest.mark.parametrize("name", LIMITS)
def test_a_list_is_cut_after_a_whole_member(name: str) -> None:
    limit, separator = LIMITS[name]
    header = name.removeprefix("HTTP_").replace("_", "-")
    long = (separator or ",").join(f"member-{number}" for number in range(4000))
    kept = passed_on(**{header: long}).META[name]
    assert len(kept) <= limit
    assert not kept or (long.startswith(kept) and long[len(kept)] == separator)
    short = long[: limit // 2]
    assert passed_on(**{header: short}).META[name] == short


def test_a_member_that_is_longer_than_the_limit_is_dropped() -> None:
    assert cut("x" * 5000, 1024, ",") == ""


LONG = {
    "Accept": ",".join(["image/webp;q=0.5;a=b"] * 760),
    "Accept-Language": ",".join(["en-GB;q=0.1"] * 1300),
    "If-None-Match": ",".join(['"a"'] * 4000),
    "Range": "bytes=" + ",".join(["0-1"] * 4000),
    "Cookie": ";".join(["a=b"] * 4000),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", LONG)
def test_sixteen_kilobytes_of_members_are_answered_as_usual(alice: User, name: str) -> None:
    assert 15_000 < len(LONG[name]) <= 16_400
    address = signed_path(make_picture(alice, png(30, 20)).key)
    plain, long = (Client().get(address, headers=headers) for headers in ({}, {name: LONG[name]}))
    assert (long.status_code, long.getvalue()) == (200, plain.getvalue())


def test_parsing_them_takes_less_than_two_milliseconds() -> None:
    request = passed_on(**LONG)
    started = time.thread_time()
    for _ in range(20):
        preferred_formats(request.headers["Accept"], "image/png")
        cookie_values(request.headers["Cookie"], "access_token")
    assert (time.thread_time() - started) / 20 < 0.002


@pytest.mark.django_db
def test_many_cookies_of_neighbours_sign_nobody_out(alice: User) -> None:
    pair = open_cookie_session(alice, RequestOrigin())
    neighbours = "; ".join(f"neighbour{number}={'x' * 90}" for number in range(100))
    headers = {"Cookie": f"{neighbours}; access_token={pair.access}"}
    assert Client().get("/auth/currentUser", headers=headers).json()["login"] == "alice"
