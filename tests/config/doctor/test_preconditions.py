"""Checks of the doctor that need no running deployment."""

import secrets

import pytest
from pytest_django import Settings

from config.doctor.checks import CheckFailed
from config.doctor.preconditions import check_secrets


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
