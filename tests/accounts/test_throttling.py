import pytest
from pytest_django import Settings

from accounts.exceptions import BadCredentials, TooManyAttempts
from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.services import verify_credentials
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(password: str = PASSWORD, login: str = "alice", address: str = "192.0.2.1") -> User:
    return verify_credentials(login=login, password=password, origin=RequestOrigin(address))


def test_after_five_wrong_passwords_a_login_is_refused_before_any_hash(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        with pytest.raises(BadCredentials):
            sign_in("wrong")
    monkeypatch.setattr("accounts.backends.ModelBackend.authenticate", None)
    with pytest.raises(TooManyAttempts) as refused:
        sign_in(login="Alice", address="192.0.2.2")
    assert 0 < refused.value.retry_after <= 300


def test_right_passwords_do_not_count_as_failures(alice: User) -> None:
    for _ in range(12):
        assert sign_in() == alice


def test_an_address_may_sign_in_thirty_times_a_minute(alice: User) -> None:
    for _ in range(30):
        sign_in()
    with pytest.raises(TooManyAttempts):
        sign_in()
    assert sign_in(address="192.0.2.9") == alice


def test_rate_limits_can_be_switched_off(alice: User, settings: Settings) -> None:
    settings.RATE_LIMITS = False
    for _ in range(12):
        with pytest.raises(BadCredentials):
            sign_in("wrong")
