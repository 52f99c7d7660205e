"""A trailing slash more or less changes nothing at any route, whoever asks by whatever method."""

import json
from dataclasses import replace

import pytest
from django.urls import get_resolver
from pytest_django import DjangoCaptureOnCommitCallbacks

from images.services import activate
from tests.api.access_requests import UPLOAD, clients_of, known_ids, send
from tests.api.access_table import ROWS, Row
from tests.clients import Client, Response
from tests.factories import make_picture
from tests.transactions import undone

pytestmark = pytest.mark.django_db
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
# Not for clients: see `config/urls.py`.
STRICT = {"/", "/metrics"}


def other_form(path: str) -> str:
    path, mark, query = path.partition("?")
    return (path[:-1] if path.endswith("/") else f"{path}/") + mark + query


def outcome(response: Response) -> tuple[int, str | None, str | None, list[str]]:
    """Return what must not depend on the slash; of a body, whose ids differ, the names."""
    headers = response.headers
    body = response.getvalue()
    is_json = headers.get("Content-Type") == "application/json" and body
    names = sorted(json.loads(body)) if is_json and body[:1] == b"{" else []
    return response.status_code, headers.get("Allow"), headers.get("Content-Type"), names


def differences(client: Client, row: Row, ids: dict[str, str]) -> list[str]:
    given = []
    for path in (row.path, other_form(row.path.format(**ids))):
        with undone():
            given.append(outcome(send(client, replace(row, path=path), ids)))
    one, other = given
    return [] if one == other else [f"{row.method} {row.path}: {one}, {other}"]


@pytest.fixture
def clients_and_ids(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> tuple[dict[str, Client], dict[str, str]]:
    clients, owner = clients_of("Enterprise")
    with django_capture_on_commit_callbacks(execute=True):
        picture, active = (make_picture(owner, UPLOAD) for _ in range(2))
        activate(active)
    return clients, known_ids(owner, picture, active)


@pytest.mark.unhurried
@pytest.mark.parametrize("person", ["owner", "anonymous"])
def test_every_route_answers_both_forms_alike(
    clients_and_ids: tuple[dict[str, Client], dict[str, str]], person: str
) -> None:
    clients, ids = clients_and_ids
    wrong = [each for row in rows() for each in differences(clients[person], row, ids)]
    assert not wrong, "\n".join(wrong)


# The most requests of all, and a stranger is refused at nearly every route.
@pytest.mark.unhurried
@pytest.mark.parametrize("person", ["owner", pytest.param("anonymous", marks=pytest.mark.nightly)])
def test_every_other_method_is_answered_in_both_forms_alike(
    clients_and_ids: tuple[dict[str, Client], dict[str, str]], person: str
) -> None:
    clients, ids = clients_and_ids
    there = {(row.method, row.path) for row in rows()}
    asked = [
        replace(Row("", "", "", "", "", "", ""), method=method, path=path)
        for path in dict.fromkeys(row.path for row in rows())
        for method in METHODS
        if (method, path) not in there
    ]
    assert len(asked) > len(there)
    wrong = [each for row in asked for each in differences(clients[person], row, ids)]
    assert not wrong, "\n".join(wrong)


def rows() -> list[Row]:
    return [row for row in ROWS if row.path not in STRICT]


@pytest.mark.parametrize(
    "path", ["/auth/nothing", "/api/nothing", "/api/user/nothing", "/image/x/y", "/pictures/x"]
)
def test_an_unknown_address_is_the_contracts_404_in_both_forms(path: str) -> None:
    one, other = Client().get(path), Client().get(f"{path}/")
    assert (one.status_code, other.status_code) == (404, 404)
    assert one.json().keys() == other.json().keys()


def test_the_documentation_page_has_the_same_policy_in_both_forms() -> None:
    pages = [Client().get(path) for path in ("/api/docs/", "/api/docs")]
    one, other = (page["Content-Security-Policy"] for page in pages)
    assert one == other


def test_no_route_of_ours_redirects_to_its_other_form() -> None:
    """Django's CommonMiddleware would, for an address that has no route without the slash."""
    for row in ROWS:
        path = other_form(row.path.partition("?")[0])
        if row.path not in STRICT and "{" not in path:
            get_resolver().resolve(path)
