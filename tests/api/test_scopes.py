"""What a token of each scope may do: every route of `accounts.scopes`, and none besides."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import resolve
from pytest_django import Settings

from accounts.models import Session, User
from accounts.scopes import (
    ALL_SCOPES,
    NONE,
    PICTURES_SOCKET,
    SCOPES_BY_ROUTE,
    SOCKETIO,
    Scope,
    scopes_of,
)
from api.contracts import find_contract
from tests.api.routes import routes
from tests.api.test_access import methods_of
from tests.api.test_query_counts import picture, thumbnail
from tests.api.test_urls import PARTS, PUBLIC
from tests.clients import Client, Response
from tests.factories import token_client
from tests.transactions import undone

SOCKETS = {PICTURES_SOCKET, SOCKETIO}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# Routes that refuse whoever has no token, and let in one without any scope.
SIGNING_OUT = {("auth/signout", "GET"), ("auth/signout", "POST")}
UNUSED = "00000000-0000-4000-8000-000000000000"
MORE_PARTS = {
    "<anyuuid:uid>": UNUSED,
    "<path:key>": f"users/{UNUSED}/{UNUSED}.png",
    "<str:token>": "none",
}


def address(route: str) -> str:
    path = "/" + route
    for part, example in {**PARTS, **MORE_PARTS}.items():
        path = path.replace(part, example)
    assert "<" not in path, "a new kind of path part: say in MORE_PARTS how to fill it"
    assert resolve(path).route == route
    return path


def views() -> Iterator[tuple[str, str]]:
    """Yield every route of HTTP with each of its methods."""
    for route in routes():
        there = methods_of(resolve(address(route)).func)
        for method in sorted(there or SCOPES_BY_ROUTE.get(route, {})):
            yield route, method


def limited_client(user: User, *scopes: str) -> Client:
    client = token_client(user)
    Session.objects.of(user).update(scopes=list(scopes))
    return client


def lacks_scope(response: Response) -> bool:
    return response.status_code == 403 and 'error="insufficient_scope"' in response.headers.get(
        "WWW-Authenticate", ""
    )


# --- The table is complete, and closed ------------------------------------------------------------


def test_every_route_is_in_the_table() -> None:
    assert set(SCOPES_BY_ROUTE) - SOCKETS == set(routes())


def test_every_method_of_a_route_is_in_the_table() -> None:
    listed = {(route, each) for route, methods in SCOPES_BY_ROUTE.items() for each in methods}
    assert {each for each in listed if each[0] not in SOCKETS} == set(views())
    assert all(SCOPES_BY_ROUTE.values())


def test_what_asks_for_no_scope_is_public_or_signs_out() -> None:
    """And what is public asks for none, but for routes where a token shows more than that."""
    free = {
        (route, method)
        for route, methods in SCOPES_BY_ROUTE.items()
        for method, scopes in methods.items()
        if scopes == NONE
    }
    assert {route for route, _ in free - SIGNING_OUT} <= {*PUBLIC, "metrics"}
    assert free >= SIGNING_OUT


def test_what_is_not_in_the_table_asks_for_every_scope() -> None:
    assert scopes_of("api/user/new/", "GET") == ALL_SCOPES
    assert scopes_of("api/user/events/", "DELETE") == ALL_SCOPES
    assert scopes_of("api/user/events/", "HEAD") == {Scope.READ}


# --- The walk -------------------------------------------------------------------------------------


@pytest.mark.unhurried
@pytest.mark.django_db
@pytest.mark.parametrize("scopes", [(), *((each,) for each in Scope), tuple(Scope)], ids=str)
def test_a_token_gets_through_where_it_has_the_scope_and_nowhere_else(
    alice: User, settings: Settings, scopes: tuple[Scope, ...]
) -> None:
    settings.RATE_LIMITS = False  # all are from one address
    show_avatar(alice)
    wrong = []
    client = limited_client(alice, *scopes)
    for route, method in views():
        asked = scopes_of(route, method)
        with undone():  # some requests end their session, or delete what others name
            response = client.generic(method, address(route), "{}", content_type="application/json")
        if lacks_scope(response) != bool(asked - set(scopes)):
            wrong.append(f"{method} {route}: {response.status_code}, asks for {sorted(asked)}")
        if lacks_scope(response):
            check_refusal(response, asked - set(scopes))
    assert not wrong, "\n".join(wrong)


def show_avatar(owner: User) -> None:
    """Make the thumbnail that `address` names, which anyone may have only if it is public.

    The rows have numbers that no request of the walk names, and deletes.
    """
    shown = picture(owner, 0)
    shown.pk = 1_000_000
    shown.save()
    avatar = thumbnail(shown, 200)
    avatar.pk, avatar.key = 1_000_000, f"users/{UNUSED}/{UNUSED}"
    avatar.save()


def check_refusal(response: Response, missing: frozenset[Scope]) -> None:
    """Every contract has a shape of its own."""
    names = " ".join(each for each in Scope if each in missing)
    assert f'scope="{names}"' in response["WWW-Authenticate"]
    contract = find_contract(response.wsgi_request.path_info)
    if contract is None:
        assert response["Content-Type"].startswith("text/html")
        return
    shapes: dict[str, Any] = {
        "restful_api": {"detail": f"The token lacks the scope {names}."},
        "auth_service": {"error": "Forbidden"},
        "images_api": {"message": f"The token lacks the scope {names}.", "status_code": 403},
        "image_service": {"error": f"The token lacks the scope {names}."},
        "pictures_service": {"message": "El token no incluye el permiso para esta operación"},
    }
    if response.content:  # not of a HEAD
        assert json.loads(response.content) == shapes[contract.name]


@pytest.mark.django_db
def test_a_method_that_a_route_has_not_is_refused_to_limited_tokens_first(alice: User) -> None:
    response = limited_client(alice, Scope.READ).put("/api/user/events/")
    assert lacks_scope(response)
    assert token_client(alice).put("/api/user/events/").status_code == 405


@pytest.mark.django_db
def test_a_token_of_no_scope_signs_out(alice: User) -> None:
    for path, method in (
        ("/auth/signout", "get"), ("/auth/signout", "post"), ("/api/user/jwt-logout/", "post"),
    ):  # fmt: skip
        client = limited_client(alice)
        assert getattr(client, method)(path).status_code in {200, 204}
        assert not Session.objects.live().exists()
