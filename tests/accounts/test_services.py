from uuid import UUID

import pytest
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError

from accounts.exceptions import BadCredentials, BadToken
from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.services import (
    disable,
    move_to_tier,
    set_password,
    sign_out,
    verify_credentials,
)
from accounts.sessions import open_api_token_session, open_bearer_session
from accounts.token_authentication import authenticate_api_token, authenticate_jwt
from tests.factories import PASSWORD, tier

pytestmark = pytest.mark.django_db

ORIGIN = RequestOrigin("192.0.2.1")


@pytest.mark.parametrize(("login", "password"), [("alice", "wrong"), ("nobody", PASSWORD)])
def test_an_unknown_login_and_a_wrong_password_raise_the_same(
    alice: User, login: str, password: str
) -> None:
    with pytest.raises(BadCredentials):
        verify_credentials(login=login, password=password, origin=ORIGIN)


def test_a_disabled_account_cannot_sign_in(alice: User) -> None:
    disable(alice)
    with pytest.raises(BadCredentials):
        verify_credentials(login="alice", password=PASSWORD, origin=ORIGIN)


def test_a_login_is_accepted_in_any_case(alice: User) -> None:
    assert verify_credentials(login="ALICE", password=PASSWORD, origin=ORIGIN) == alice


def test_signing_out_ends_one_session_and_announces_it_once(
    alice: User, ended_sessions: list[tuple[list[UUID], str]]
) -> None:
    token = open_bearer_session(alice, ORIGIN)
    other = open_bearer_session(alice, ORIGIN)
    session = authenticate_jwt(token, "bearer")
    sign_out(session, authorization=f"Bearer {token}")
    sign_out(session, authorization=f"Bearer {token}")
    with pytest.raises(BadToken):
        authenticate_jwt(token, "bearer")
    assert authenticate_jwt(other, "bearer").user == alice
    assert ended_sessions == [([session.pk], f"Bearer {token}")]


def test_a_new_password_ends_every_other_session_including_api_tokens(alice: User) -> None:
    current = authenticate_jwt(open_bearer_session(alice, ORIGIN), "bearer")
    api_token = open_api_token_session(alice, ORIGIN)
    set_password(alice, "another good one", except_session=current)
    assert list(Session.objects.live()) == [current]
    with pytest.raises(BadToken):
        authenticate_api_token(api_token)


def test_a_password_that_the_policy_refuses_changes_nothing(alice: User) -> None:
    token = open_bearer_session(alice, ORIGIN)
    with pytest.raises(ValidationError):
        set_password(alice, "short")
    assert authenticate_jwt(token, "bearer").user == alice
    assert check_password(PASSWORD, alice.password)


def test_disabling_an_account_ends_all_its_sessions_and_no_others(alice: User, bob: User) -> None:
    token, others = open_bearer_session(alice, ORIGIN), open_bearer_session(bob, ORIGIN)
    disable(alice)
    with pytest.raises(BadToken):
        authenticate_jwt(token, "bearer")
    assert authenticate_jwt(others, "bearer").user == bob


def test_another_tier_is_saved(alice: User) -> None:
    move_to_tier(alice, tier("Basic"))
    alice.refresh_from_db()
    assert alice.tier.name == "Basic"
