"""Checks of the doctor that need no running deployment."""

import secrets

import pytest
from pytest_django import Settings

from config.doctor.checks import CheckFailed
from config.doctor.preconditions import check_secrets, check_sign_up
from tests.factories import tier


@pytest.mark.parametrize(("name", "scheme"), [("AMQP_URL", "amqp"), ("REDIS_URL", "redis")])
def test_a_guessable_password_is_named_and_never_shown(
    settings: Settings, name: str, scheme: str
) -> None:
    settings.SECRET_KEY = secrets.token_urlsafe(48)
    setattr(settings, name, f"{scheme}://someone:guest@127.0.0.1:1/")
    with pytest.raises(CheckFailed) as failure:
        check_secrets()
    assert f"the password in {name} could be guessed" in str(failure.value)
    assert "guest" not in str(failure.value)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("signup", "said"),
    [
        ("open", "everybody can make an account, of the tier Premium (SIGNUP=open)"),
        ("invite", "whoever is invited can make an account (SIGNUP=invite)"),
        ("closed", "staff alone make accounts (SIGNUP=closed)"),
    ],
)
def test_the_doctor_says_who_can_make_an_account(
    settings: Settings, signup: str, said: str
) -> None:
    tier("Premium")
    settings.SIGNUP = signup
    assert check_sign_up() == said


@pytest.mark.django_db
def test_a_tier_that_is_not_there_is_named(settings: Settings) -> None:
    settings.SIGNUP_TIER = "Gold"
    with pytest.raises(CheckFailed, match="SIGNUP_TIER names no tier: Gold"):
        check_sign_up()
