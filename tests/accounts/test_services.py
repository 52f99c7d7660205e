from collections.abc import Callable
from uuid import UUID

import pytest
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from pytest_django import Settings

from accounts.exceptions import BadCredentials, BadToken
from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.services import (
    change_password,
    disable,
    end_every_session,
    end_other_sessions,
    move_accounts,
    move_to_tier,
    sign_out,
    verify_credentials,
)
from accounts.sessions import open_api_token_session, open_bearer_session, open_cookie_session
from accounts.signals import tier_changed
from accounts.token_authentication import authenticate_api_token, authenticate_jwt
from tests.clients import Client
from tests.factories import PASSWORD, make_user, replace_password, tier
from tests.signals import recorded

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
    change_password(
        alice, current=PASSWORD, new="another good one", origin=ORIGIN, except_session=current
    )
    assert list(Session.objects.live()) == [current]
    with pytest.raises(BadToken):
        authenticate_api_token(api_token)
    assert check_password("another good one", alice.password)


def test_ending_the_others_leaves_ones_own_session_and_counts_those_that_were_live(
    alice: User, bob: User
) -> None:
    own, over, other = (
        authenticate_jwt(open_bearer_session(alice, ORIGIN), "bearer") for _ in range(3)
    )
    open_api_token_session(alice, ORIGIN)
    open_bearer_session(bob, ORIGIN)
    sign_out(over)
    assert end_other_sessions(own) == 2
    # By this those in the admin end.
    assert User.objects.get(pk=alice.pk).sign_outs == alice.sign_outs + 1
    assert set(Session.objects.live().values_list("user", flat=True)) == {alice.pk, bob.pk}
    assert Session.objects.live().filter(user=alice).get() == own
    assert not Session.objects.live().filter(pk=other.pk).exists()
    assert end_other_sessions(own) == 0


def test_a_password_that_the_policy_refuses_changes_nothing(alice: User) -> None:
    token = open_bearer_session(alice, ORIGIN)
    with pytest.raises(ValidationError):
        change_password(alice, current=PASSWORD, new="short", origin=ORIGIN)
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
    assert alice.tier.name == "Basic"
    alice.refresh_from_db()
    assert alice.tier.name == "Basic"


def test_only_those_who_had_another_tier_or_the_former_one_are_moved(alice: User) -> None:
    """Nothing is told of the others, whose thumbnails stay as they are."""
    basic, premium = tier("Basic"), tier("Premium")
    there, of_premium, left_out = (
        make_user(name, of) for name, of in (("b", "Basic"), ("p", "Premium"), ("q", "Premium"))
    )
    chosen = [each.pk for each in (alice, there, of_premium)]
    with recorded(tier_changed) as changes:
        assert move_accounts(chosen, basic, former=premium) == [of_premium.pk]
        assert move_accounts(chosen, basic) == [alice.pk]
        assert move_accounts(chosen, basic) == []
    assert changes == [{"user_ids": [each.pk], "tier": basic} for each in (of_premium, alice)]
    assert list(User.objects.exclude(tier=basic)) == [left_out]


@pytest.mark.parametrize(
    "open_session", [open_bearer_session, open_api_token_session, open_cookie_session]
)
@pytest.mark.parametrize("interruption", [disable, lambda user: replace_password(user, "new one")])
def test_no_session_opens_on_a_check_from_before_the_password_or_the_account_changed(
    open_session: Callable[[User, RequestOrigin], object],
    interruption: Callable[[User], None],
    alice: User,
) -> None:
    checked = verify_credentials(login="alice", password=PASSWORD, origin=ORIGIN)
    interruption(alice)
    with pytest.raises(BadCredentials):
        open_session(checked, ORIGIN)
    assert not Session.objects.live().exists()


@pytest.mark.unhurried
def test_upgrading_a_hash_does_not_bring_an_old_password_back(
    alice: User, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    being_checked = User.objects.get(pk=alice.pk)
    replace_password(alice, "another good one")
    assert being_checked.check_password(PASSWORD)
    alice.refresh_from_db()
    assert alice.check_password("another good one")


def test_ending_every_session_ends_those_in_the_admin_too(alice: User) -> None:
    root = make_user("root", is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(root)
    assert browser.get("/admin/").status_code == 200
    end_every_session(root)
    assert browser.get("/admin/").status_code == 302
