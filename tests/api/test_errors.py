"""The same things go wrong at every contract; each responds in its own shape, and tells no more."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import OperationalError, connection
from limits import RateLimitItem

from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from accounts.throttling import enforce_limits
from api.contracts import CONTRACTS, Contract
from tests.api.error_table import CASES, ERRORS, Wrong
from tests.clients import Client, Response

pytestmark = pytest.mark.django_db

SECRET = "connection to server at 10.0.0.7, port 5432 failed"
INSIDE = re.compile(
    r"10\.0\.0\.7|Traceback|File \"|\.py\b|/home/|/root/|/tmp/|site-packages|psycopg|sqlite|django|"
    r"rest_framework|SELECT|Exception|<html",
    re.IGNORECASE,
)


def fits(expected: Any, given: Any) -> bool:
    """Compare a body with its description, whose texts may be patterns."""
    if isinstance(expected, re.Pattern):
        return isinstance(given, str) and bool(expected.search(given))
    if isinstance(expected, dict):
        same_names = isinstance(given, dict) and expected.keys() == given.keys()
        return same_names and all(fits(expected[name], given[name]) for name in expected)
    if isinstance(expected, list):
        same_length = isinstance(given, list) and len(expected) == len(given)
        return same_length and all(map(fits, expected, given))
    return bool(expected == given)


def breaking(error: Exception) -> AbstractContextManager[None]:
    """Have every query of this connection fail, wherever it is made."""

    def fail(
        execute: Callable[..., object],
        sql: str,
        params: object,
        many: bool,
        context: dict[str, Any],
    ) -> None:
        raise error

    return connection.execute_wrapper(fail)


def client_for(wrong: Wrong, account: User) -> Client:
    tokens = {"good": open_bearer_session(account, RequestOrigin()), "bad": "a.b.c"}
    headers = {"Authorization": f"Bearer {tokens[wrong.token]}"} if wrong.token else {}
    return Client(raise_request_exception=False, headers=headers)


def use_up(item: RateLimitItem) -> None:
    for _ in range(item.amount):
        enforce_limits((item, "127.0.0.1"))


def send(wrong: Wrong, account: User, case: str) -> Response:
    client = client_for(wrong, account)
    path = wrong.path.format(account=account.pk)
    if wrong.exhausted:
        use_up(wrong.exhausted)
    arguments = (wrong.method, path, wrong.sent, wrong.content_type)
    if case == "broken database":
        with breaking(OperationalError(SECRET)):
            return client.generic(*arguments)
    if case == "failure nobody foresaw":
        with breaking(RuntimeError(SECRET)):
            return client.generic(*arguments)
    return client.generic(*arguments)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("contract", ERRORS)
def test_an_error_has_the_shape_of_its_contract_and_tells_nothing_else(
    alice: User, contract: str, case: str
) -> None:
    wrong = ERRORS[contract][case]
    response = send(wrong, alice, case)
    text = response.content.decode()
    is_text = isinstance(wrong.body, str)
    assert response.status_code == wrong.status, text
    assert response["Content-Type"].startswith("text/plain" if is_text else "application/json")
    assert fits(wrong.body, text if is_text else json.loads(text)), text
    assert [name for name in wrong.headers if name not in response.headers] == []
    assert not INSIDE.search(text + str(response.headers)), text


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_the_table_has_every_contract_and_every_case(contract: Contract) -> None:
    assert set(CASES) == ERRORS[contract.name].keys()
    assert set(ERRORS) == {each.name for each in CONTRACTS}


def test_a_response_that_differs_does_not_fit() -> None:
    """The comparison itself: what it lets pass is all that this table proves."""
    assert fits({"a": re.compile("x"), "b": [1]}, {"a": "axb", "b": [1]})
    assert not fits({"a": "x"}, {"a": "x", "b": "more"})
    assert not fits({"a": re.compile("x")}, {"a": "y"})
    assert not fits([1], [1, 2])
