"""Dangerous steps of accounts that have no password here."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.exceptions import BadToken
from accounts.models import Session, User
from accounts.own_account import RECENT_SIGN_IN, update_account
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from tests.accounts.issuer import external_token
from tests.clients import Client, Response
from tests.factories import token_client

pytestmark = pytest.mark.django_db

ACCOUNT, ADDRESS = "/api/user/account/", "outside@example.org"


def client_of_issuer(age: timedelta) -> Client:
    """Return a client whose token was issued so long ago, and is seen now for the first time."""
    issued = int((timezone.now() - age).timestamp())
    return Client(headers={"Authorization": f"Bearer {external_token(iat=issued)}"})


def patch(client: Client, **body: Any) -> Response:
    return client.patch(ACCOUNT, body, content_type="application/json")


def test_a_token_that_was_just_issued_stands_for_the_password(external_issuer: None) -> None:
    refused = patch(client_of_issuer(RECENT_SIGN_IN + timedelta(seconds=5)), email=ADDRESS)
    assert (refused.status_code, refused.json()) == (
        403, {"detail": "Sign in anew, and try again within 10 minutes."}
    )  # fmt: skip
    fresh = client_of_issuer(timedelta(0))
    assert patch(fresh, email=ADDRESS).json()["email"] == ADDRESS
    user = User.objects.get(email=ADDRESS)
    # A token made by that session is no sign-in at the issuer.
    assert patch(token_client(user), email="").status_code == 403
    past = timezone.now() - RECENT_SIGN_IN - timedelta(seconds=5)
    Session.objects.filter(user=user).update(created_at=past)
    assert patch(fresh, email="").status_code == 403
    user.refresh_from_db()
    assert user.email == ADDRESS


def test_no_password_is_made_where_there_is_none(external_issuer: None) -> None:
    body = {"current_password": "x", "new_password": "another good one"}
    response = client_of_issuer(timedelta(0)).post(
        f"{ACCOUNT}password/", body, content_type="application/json"
    )
    assert response.status_code == 403
    assert not User.objects.get().has_usable_password()


def test_an_account_without_a_password_is_deleted_with_a_new_token(external_issuer: None) -> None:
    def delete(age: timedelta) -> int:
        client = client_of_issuer(age)
        return client.delete(ACCOUNT, {}, content_type="application/json").status_code

    assert delete(RECENT_SIGN_IN * 2) == 403
    assert delete(timedelta(0)) == 200


@pytest.mark.parametrize("is_gone", [False, True])
def test_an_account_that_is_closed_meanwhile_keeps_no_name(alice: User, is_gone: bool) -> None:
    open_bearer_session(alice, RequestOrigin())
    session = Session.objects.select_related("user__tier").get()
    User.objects.filter(pk=alice.pk).update(is_active=False, name="")
    if is_gone:
        User.objects.filter(pk=alice.pk).delete()
    with pytest.raises(BadToken):
        update_account(session, origin=RequestOrigin(), name="Alice")
    assert not User.objects.filter(name="Alice").exists()
