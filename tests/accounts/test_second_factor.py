"""The second factor by its functions: codes are good once, wrong ones are slowed down."""

from datetime import timedelta
from functools import partial

import pytest
from django.core.management import CommandError, call_command
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django import Settings

from accounts.exceptions import BadCredentials, FactorExists, TooManyAttempts, WrongCode
from accounts.models import SecurityEvent, Session, User
from accounts.request_origin import RequestOrigin
from accounts.second_factor import (
    MAX_COUNTED_FAILURES,
    add_factor,
    count_recovery_codes,
    has_factor,
    make_key,
    make_recovery_codes,
    remove_factor,
    spend_code,
)
from accounts.sessions import open_cookie_session
from tests.clients import Client
from tests.factories import PASSWORD, bearer_client, make_user
from tests.parallel import run_in_parallel
from tests.second_factors import code_of, give_factor, next_code
from upkeep.closed_accounts import close_as_staff

pytestmark = pytest.mark.django_db


def is_right(user: User, code: str) -> bool:
    """Spend a code, whatever was guessed before."""
    for model in (TOTPDevice, StaticDevice):
        model.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    try:
        spend_code(user, code)
    except WrongCode:
        return False
    return True


def kinds(user: User) -> list[str]:
    events = SecurityEvent.objects.filter(user_id=user.pk).order_by("pk")
    return list(events.values_list("kind", flat=True))


def test_each_code_is_good_once(staff: User) -> None:
    key = make_key()
    code = code_of(key)
    codes = add_factor(staff, key=key, code=code)
    assert not is_right(staff, code)
    later = code_of(key, later=1)
    assert [is_right(staff, later), is_right(staff, later)] == [True, False]
    assert len(set(codes)) == 10
    assert [is_right(staff, codes[0]), is_right(staff, codes[0])] == [True, False]
    # As somebody types it.
    assert is_right(staff, codes[1].upper().replace("-", " "))
    assert count_recovery_codes(staff) == 8
    assert kinds(staff).count("recovery-code.used") == 2
    assert kinds(staff).count("second-factor.refused") == 3


@pytest.mark.parametrize("code", ["", "12345", "000000 ", "\u00bd" * 6, "\uff11" * 6, "x" * 5000])
def test_what_is_no_code_is_refused(staff: User, code: str) -> None:
    give_factor(staff)
    assert not is_right(staff, code)


def test_whoever_has_no_factor_has_no_code(staff: User, bob: User) -> None:
    codes = give_factor(staff)
    assert not is_right(bob, codes[0])
    assert not is_right(bob, next_code(staff))
    assert count_recovery_codes(staff) == 10


def test_recovery_codes_are_stored_as_digests(staff: User) -> None:
    codes = give_factor(staff)
    stored = {*StaticToken.objects.values_list("token", flat=True)}
    assert len(stored) == 10
    assert not stored & {code.replace("-", "") for code in codes}


def test_new_recovery_codes_end_the_old_ones(staff: User) -> None:
    old = give_factor(staff)
    new = make_recovery_codes(staff)
    assert [is_right(staff, old[0]), is_right(staff, new[0])] == [False, True]


def test_after_wrong_codes_the_right_one_has_to_wait_and_no_longer_than_nine_minutes(
    staff: User,
) -> None:
    give_factor(staff)
    with pytest.raises(WrongCode):
        spend_code(staff, "000000")
    app = TOTPDevice.objects.get(user=staff)
    # The wait is a second, which this test must not need.
    later = app.throttling_failure_timestamp + timedelta(minutes=1)
    TOTPDevice.objects.update(throttling_failure_timestamp=later)
    with pytest.raises(TooManyAttempts):
        spend_code(staff, next_code(staff))
    past = app.throttling_failure_timestamp - timedelta(days=1)
    TOTPDevice.objects.update(
        throttling_failure_count=MAX_COUNTED_FAILURES, throttling_failure_timestamp=past
    )
    with pytest.raises(WrongCode):
        spend_code(staff, "000000")
    with pytest.raises(TooManyAttempts) as refused:
        spend_code(staff, next_code(staff))
    assert refused.value.retry_after in range(500, 513)


def test_an_app_is_added_by_its_code_alone_and_a_second_only_in_its_place(staff: User) -> None:
    key = make_key()
    with pytest.raises(WrongCode):
        add_factor(staff, key=key, code="000000" if code_of(key) != "000000" else "000001")
    assert not has_factor(staff)
    codes = add_factor(staff, key=key, code=code_of(key))
    with pytest.raises(FactorExists):
        give_factor(staff)
    browser = bearer_client(staff)
    other = make_key()
    add_factor(staff, key=other, code=code_of(other), replaces=True)
    assert TOTPDevice.objects.get().key == other
    assert not is_right(staff, codes[0])
    assert browser.get("/api/me").status_code == 401


def test_removing_a_factor_ends_every_session_of_that_account_alone(staff: User, bob: User) -> None:
    give_factor(staff)
    give_factor(bob)
    sign_in = {"username": "staff", "password": PASSWORD}
    admin = Client()
    admin.post("/admin/login/", sign_in)
    of_staff, of_bob = bearer_client(staff), bearer_client(bob)
    assert admin.get("/admin/").status_code == 200
    assert remove_factor(staff)
    assert not remove_factor(staff)
    assert of_staff.get("/api/me").status_code == 401
    assert of_bob.get("/api/me").status_code == 200
    assert admin.get("/admin/").status_code == 302
    assert has_factor(bob)
    assert count_recovery_codes(staff) == 0
    assert kinds(staff)[-2:] == ["second-factor.removed", "sessions.ended"]


def test_no_session_is_opened_by_a_factor_that_was_removed_meanwhile(staff: User) -> None:
    give_factor(staff)
    staff.refresh_from_db()
    factor = spend_code(staff, next_code(staff))
    remove_factor(staff)
    with pytest.raises(BadCredentials):
        open_cookie_session(staff, RequestOrigin(), factor)
    assert not Session.objects.exists()


def test_the_operator_resets_a_factor_by_a_command(
    staff: User, capsys: pytest.CaptureFixture[str]
) -> None:
    give_factor(staff)
    call_command("reset_second_factor", "STAFF")
    call_command("reset_second_factor", "staff")
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "staff has no second factor any more; its sessions ended.",
        "staff has no second factor.",
    ]
    assert not has_factor(staff)
    with pytest.raises(CommandError, match="nobody"):
        call_command("reset_second_factor", "nobody")


def test_a_closed_account_leaves_no_factor(staff: User) -> None:
    give_factor(staff)
    close_as_staff(staff)
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_who_spend_one_code_at_once_one_gets_in(settings: Settings) -> None:
    settings.RATE_LIMITS = False
    for number in range(4):
        user = make_user(f"person{number}", is_staff=True)
        codes = give_factor(user)
        for code in (next_code(user), codes[0]):
            results = run_in_parallel([partial(_enter, user, code)] * 3)
            assert sorted(results) == [200, 401, 401], results
            TOTPDevice.objects.update(throttling_failure_timestamp=None)
            StaticDevice.objects.update(throttling_failure_timestamp=None)


def _enter(user: User, code: str) -> int:
    body = {"username": user.username, "password": PASSWORD, "otp": code}
    response = Client().post("/api/user/jwt-login/", body, content_type="application/json")
    # Who comes a moment later than the wrong one waits.
    return 401 if response.status_code == 429 else int(response.status_code)
