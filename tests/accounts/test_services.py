"""What ends sessions, and whom."""

import pytest
from django.contrib.auth.hashers import check_password, get_hasher
from django.core.exceptions import ValidationError
from django.test import RequestFactory

from accounts.exceptions import BadCredentials, BadToken, TooManyAttempts
from accounts.hashers import OwaspArgon2Hasher
from accounts.models import Session
from accounts.request_origin import Client, client_of
from accounts.services import disable, identify, move_to_tier, set_password, sign_out
from accounts.sessions import open_api_token, open_bearer
from accounts.signals import sessions_ended
from accounts.throttling import whose
from accounts.verification import session_of_api_token, session_of_jwt
from tests.factories import PASSWORD, tier

pytestmark = pytest.mark.django_db


@pytest.fixture
def news():
    """Collect what `sessions_ended` says."""
    said = []

    def listen(sessions, token, **kwargs):
        said.append(([session.pk for session in sessions], token))

    sessions_ended.connect(listen)
    yield said
    sessions_ended.disconnect(listen)


def request_from(address="192.0.2.1"):
    return RequestFactory().post("/", REMOTE_ADDR=address)


@pytest.mark.parametrize(("login", "password"), [("alice", "wrong"), ("nobody", PASSWORD)])
def test_an_unknown_login_and_a_wrong_password_are_the_same(alice, login, password):
    with pytest.raises(BadCredentials):
        identify(request_from(), login=login, password=password)


def test_a_disabled_account_signs_in_no_more(alice):
    disable(alice)
    with pytest.raises(BadCredentials):
        identify(request_from(), login="alice", password=PASSWORD)


def test_signing_in_works_in_any_case(alice):
    assert identify(request_from(), login="ALICE", password=PASSWORD) == alice


def test_signing_out_ends_one_session_at_once_and_tells_of_it_once(alice, news):
    token, other = open_bearer(alice, Client()), open_bearer(alice, Client())
    session = session_of_jwt(token, "bearer")
    sign_out(session, token=token)
    sign_out(session, token=token)
    with pytest.raises(BadToken):
        session_of_jwt(token, "bearer")
    assert session_of_jwt(other, "bearer").user == alice
    assert news == [([session.pk], token)]


def test_a_new_password_ends_every_other_session_api_tokens_too(alice):
    kept = session_of_jwt(open_bearer(alice, Client()), "bearer")
    key = open_api_token(alice, Client())
    set_password(alice, "another good one", except_session=kept)
    assert list(Session.objects.live()) == [kept]
    with pytest.raises(BadToken):
        session_of_api_token(key)


def test_a_password_that_the_policy_refuses_changes_nothing(alice):
    token = open_bearer(alice, Client())
    with pytest.raises(ValidationError):
        set_password(alice, "short")
    assert session_of_jwt(token, "bearer").user == alice
    assert check_password(PASSWORD, alice.password)


def test_disabling_an_account_ends_all_its_sessions_and_no_others(alice, bob):
    token, others = open_bearer(alice, Client()), open_bearer(bob, Client())
    disable(alice)
    with pytest.raises(BadToken):
        session_of_jwt(token, "bearer")
    assert session_of_jwt(others, "bearer").user == bob


def test_an_api_token_is_stored_only_as_a_hash(alice):
    key = open_api_token(alice, Client())
    stored = Session.objects.values().get()
    assert key not in str(stored)
    assert session_of_api_token(key).user == alice


def test_a_token_is_checked_with_one_query(alice, django_assert_num_queries):
    token, key = open_bearer(alice, Client()), open_api_token(alice, Client())
    with django_assert_num_queries(1):
        assert session_of_jwt(token, "bearer").user.tier.name == "Enterprise"
    with django_assert_num_queries(1):
        assert session_of_api_token(key).user.tier.name == "Enterprise"


def test_ending_many_sessions_is_told_in_one_go(alice, news):
    for _ in range(3):
        open_bearer(alice, Client())
    assert Session.objects.all().end() == 3
    assert [len(sessions) for sessions, _ in news] == [3]


def test_five_wrong_passwords_stop_a_login_before_the_hash(alice, monkeypatch):
    for _ in range(5):
        with pytest.raises(BadCredentials):
            identify(request_from(), login="alice", password="wrong")
    monkeypatch.setattr("accounts.backends.ModelBackend.authenticate", None)
    with pytest.raises(TooManyAttempts) as refused:
        identify(request_from("192.0.2.2"), login="Alice", password=PASSWORD)
    assert 0 < refused.value.retry_after <= 300


def test_right_passwords_count_as_no_failure(alice):
    for _ in range(12):
        assert identify(request_from(), login="alice", password=PASSWORD) == alice


def test_thirty_sign_ins_a_minute_are_enough_for_an_address(alice):
    for _ in range(30):
        identify(request_from(), login="alice", password=PASSWORD)
    with pytest.raises(TooManyAttempts):
        identify(request_from(), login="alice", password=PASSWORD)
    assert identify(request_from("192.0.2.9"), login="alice", password=PASSWORD) == alice


@pytest.mark.parametrize(
    ("one", "another", "are_one"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:aaaa::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
    ],
)
def test_a_network_of_one_site_counts_as_one_address(one, another, are_one):
    first, second = (whose(client_of(request_from(each))) for each in (one, another))
    assert (first == second) is are_one


def test_rate_limits_can_be_switched_off(alice, settings):
    settings.RATE_LIMITS = False
    for _ in range(12):
        with pytest.raises(BadCredentials):
            identify(request_from(), login="alice", password="wrong")


def test_moving_to_another_tier_is_kept(alice):
    move_to_tier(alice, tier("Basic"))
    alice.refresh_from_db()
    assert alice.tier.name == "Basic"


def test_the_hasher_is_at_owasps_second_setting():
    encoded = OwaspArgon2Hasher().encode("secret", "saltsaltsalt")
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert get_hasher("default").algorithm == "md5"  # the suite's own cheap one, on purpose


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.5", "192.0.2.1"),
        (1, "198.51.100.7, 203.0.113.5", "203.0.113.5"),
        (2, "198.51.100.7, 203.0.113.5", "198.51.100.7"),
        (1, "nonsense", None),
    ],
)
def test_a_forwarded_address_counts_only_from_our_own_proxies(
    settings, proxies, forwarded, address
):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get(
        "/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": forwarded}
    )
    assert client_of(request).address == address
