"""One's own account: seen, changed, and never taken over by whoever found a token."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import SecurityEvent, User
from accounts.throttling import FAILURES_PER_LOGIN
from api.restful_api.account_serializers import RestfulTier
from tests.clients import Client, Response
from tests.factories import PASSWORD, bearer_client, make_user, token_client

pytestmark = pytest.mark.django_db

ACCOUNT, CHANGE_PASSWORD = "/api/user/account/", "/api/user/account/password/"
NEW = "another good one"
WRONG = ["The password is wrong."]


def patch(client: Client, **body: Any) -> Response:
    return client.patch(ACCOUNT, body, content_type="application/json")


def change_password(client: Client, current: str, new: str) -> Response:
    body = {"current_password": current, "new_password": new}
    return client.post(CHANGE_PASSWORD, body, content_type="application/json")


def kinds(user: User) -> list[str]:
    events = SecurityEvent.objects.filter(user_id=user.pk).order_by("pk")
    return list(events.values_list("kind", flat=True))


def test_an_account_tells_who_one_is_and_what_the_tier_allows(
    alice: User, as_alice: Client
) -> None:
    body = as_alice.get(ACCOUNT).json()
    assert list(body["tier"]) == list(RestfulTier().fields)
    assert body == {
        "id": str(alice.pk),
        "username": "alice",
        "name": "",
        "email": "",
        "tier": {
            "name": "Enterprise",
            "heights": [200, 400],
            "grants_original": True,
            "grants_links": True,
            "link_min_seconds": 300,
            "link_max_seconds": 30_000,
            "max_upload_bytes": 15 * 1024 * 1024,
            "max_pixels": 50_000_000,
            "max_pictures": alice.tier.max_pictures,
            "max_stored_bytes": alice.tier.max_stored_bytes,
        },
        "is_staff": False,
    }


def test_a_name_is_changed_without_a_password(alice: User, as_alice: Client) -> None:
    assert patch(as_alice, name="Alice L.").json()["name"] == "Alice L."
    assert patch(as_alice, name="").json()["name"] == ""
    assert patch(as_alice, name="x" * 151).status_code == 400
    alice.refresh_from_db()
    assert (alice.name, alice.email) == ("", "")


@pytest.mark.parametrize("given", [{}, {"password": ""}, {"password": "wrong"}])
def test_another_email_address_asks_for_the_password(
    alice: User, as_alice: Client, given: dict[str, str]
) -> None:
    refused = patch(as_alice, email="alice@example.org", name="Alice", **given)
    assert (refused.status_code, refused.json()) == (400, {"password": WRONG})
    alice.refresh_from_db()
    assert (alice.name, alice.email) == ("", "")
    changed = patch(as_alice, email="alice@example.org", name="Alice", password=PASSWORD)
    assert (changed.json()["name"], changed.json()["email"]) == ("Alice", "alice@example.org")
    # What stays the same asks for nothing.
    assert patch(as_alice, email="alice@example.org").status_code == 200
    assert kinds(alice)[-1] == "email.changed"


def test_an_address_belongs_to_one_account_in_any_case(bob: User, as_alice: Client) -> None:
    User.objects.filter(pk=bob.pk).update(email="bob@example.org")
    refused = patch(as_alice, email="BOB@example.org", password=PASSWORD)
    assert (refused.status_code, refused.json()) == (
        400, {"email": ["This email address is taken."]}
    )  # fmt: skip
    assert patch(as_alice, email="no address", password=PASSWORD).status_code == 400
    for client in (as_alice, token_client(make_user("carol", email="carol@example.org"))):
        assert patch(client, email="", password=PASSWORD).json()["email"] == ""


def test_guesses_are_throttled_like_those_of_a_sign_in(as_alice: Client) -> None:
    for guess in [*[""] * FAILURES_PER_LOGIN.amount, *["guess"] * FAILURES_PER_LOGIN.amount]:
        assert patch(as_alice, email="x@example.org", password=guess).status_code == 400
    refused = patch(as_alice, email="x@example.org", password=PASSWORD)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert change_password(as_alice, PASSWORD, NEW).status_code == 429
    body = {"login": "alice", "password": PASSWORD}
    assert Client().post("/auth/signin", body, content_type="application/json").status_code == 429


def test_a_new_password_ends_every_other_session(alice: User) -> None:
    this, others = bearer_client(alice), [bearer_client(alice), token_client(alice)]
    refused = change_password(this, "wrong", NEW)
    assert (refused.status_code, refused.json()) == (400, {"current_password": WRONG})
    refused = change_password(this, PASSWORD, "short")
    assert (refused.status_code, refused.json().keys()) == (400, {"new_password"})
    response = change_password(this, PASSWORD, NEW)
    assert (response.status_code, response.content) == (204, b"")
    assert this.get(ACCOUNT).status_code == 200
    assert [each.get(ACCOUNT).status_code for each in others] == [401, 401]
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert sorted(kinds(alice)[-3:]) == ["password.changed", "sessions.ended", "token.ended"]


def test_reading_an_account_costs_two_queries(
    as_alice: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        as_alice.get(ACCOUNT)
