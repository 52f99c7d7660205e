"""Guesses are throttled before any hash; what others do keeps nobody out."""

import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from io import BytesIO
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.http import HttpResponse
from limits import RateLimitItemPerMinute
from pytest_django import Settings

from accounts import shared_limits, throttling
from accounts.exceptions import BadCredentials, HashingBusy, TooManyAttempts
from accounts.hashing_queue import Trust, current_trust
from accounts.known_devices import remember_device
from accounts.local_limits import LocalLimit
from accounts.models import User
from accounts.request_origin import RequestOrigin
from accounts.services import verify_credentials
from accounts.throttling import network_key, throttle_link_password, throttle_sign_in
from images.models import Picture
from tests.clients import Client, Response
from tests.factories import PASSWORD, make_picture, token_client
from tests.pictures import jpeg

pytestmark = pytest.mark.django_db
BASE64 = b64encode(jpeg(60, 40)).decode()
DATA_URI = f"data:image/jpeg;base64,{BASE64}"


def a_file() -> BytesIO:
    file = BytesIO(jpeg(60, 40))
    file.name = "a.jpg"
    return file


def sign_in(
    password: str = PASSWORD, login: str = "alice", address: str = "192.0.2.1", device: str = ""
) -> User:
    origin = RequestOrigin(address, device=device)
    return verify_credentials(login=login, password=password, origin=origin)


def guess(count: int, login: str = "alice", address: str = "192.0.2.1", device: str = "") -> int:
    """Return how many of these wrong passwords were looked at."""
    looked_at = 0
    for _ in range(count):
        try:
            sign_in("wrong", login, address, device)
        except BadCredentials:
            looked_at += 1
        except TooManyAttempts:
            pass
    return looked_at


@pytest.fixture
def device(alice: User) -> str:
    """The cookie of a device that signed in as Alice before."""
    response = HttpResponse()
    remember_device(response, alice)
    return response.cookies["device"].value


def test_after_five_wrong_passwords_a_login_is_refused_before_any_hash(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert guess(6) == 5
    monkeypatch.setattr("accounts.backends.ModelBackend.authenticate", None)
    with pytest.raises(TooManyAttempts) as refused:
        sign_in(login="Alice", address="192.0.2.2")
    # Five minutes from the first of them.
    assert 200 < refused.value.retry_after <= 300


def test_guesses_from_one_network_keep_no_other_network_out(alice: User) -> None:
    guess(20)
    assert sign_in(address="198.51.100.1") == alice


def test_guesses_keep_no_device_out_that_signed_in_before(alice: User, device: str) -> None:
    """Not even one at the same address, behind one router."""
    assert guess(40) <= 10
    assert sign_in(device=device) == alice


def test_a_device_that_signed_in_before_may_guess_no_more_than_others(
    alice: User, device: str
) -> None:
    assert guess(8, device=device) == 5
    assert sign_in() == alice


def test_a_device_is_known_to_its_own_account_alone(alice: User, bob: User, device: str) -> None:
    assert guess(8, login="bob") == 5
    with pytest.raises(TooManyAttempts):
        sign_in(login="bob", device=device)


def test_an_attack_from_many_networks_keeps_nobody_out(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guesses at the account are slowed, for every network but not for known devices."""
    monkeypatch.setattr(throttling, "SLOWING_SECONDS", 0)
    for network in range(50):
        guess(5, address=f"198.18.{network}.1")
    assert sign_in(address="203.0.113.1") == alice
    assert sign_in(login="bob", address="203.0.113.1") == bob


def test_beyond_a_hundred_failures_an_hour_guesses_at_one_account_are_slowed(
    alice: User, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowed: list[Trust] = []
    monkeypatch.setattr(throttling, "_slow_down", slowed.append)
    for network in range(20):
        guess(5, address=f"198.18.{network}.1")
    assert slowed == []
    sign_in(device=device)
    assert slowed == []
    assert sign_in(address="203.0.113.1") == alice
    assert slowed == [Trust.CLEAN]


def test_guessers_that_find_no_room_are_throttled_all_the_same(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess(1, login="bob")
    full = RateLimitItemPerMinute(0, 60, namespace="sign-in-failed-everywhere")
    monkeypatch.setattr(throttling, "FAILURES_BEFORE_SLOWING", full)
    with throttling._slowed[Trust.OTHER]:
        for _ in range(5):
            with pytest.raises(HashingBusy):
                sign_in("wrong")
        with pytest.raises(TooManyAttempts):
            sign_in("wrong")


def test_whoever_finds_no_room_without_a_failure_before_may_try_again(alice: User) -> None:
    """Nothing was guessed."""
    for _ in range(12):
        with pytest.raises(HashingBusy), throttle_sign_in("alice", RequestOrigin("192.0.2.1")):
            raise HashingBusy
    assert sign_in() == alice
    assert guess(6) == 5


def test_a_device_that_finds_no_room_may_try_again(alice: User, device: str) -> None:
    origin = RequestOrigin("192.0.2.1", device=device)
    guess(1)
    for _ in range(12):
        with pytest.raises(HashingBusy), throttle_sign_in("alice", origin):
            raise HashingBusy
    assert sign_in(device=device) == alice


def test_few_passwords_of_links_are_tried_at_once_and_each_seat_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever failed a moment ago has one seat, everybody else two."""
    clean, other = RequestOrigin("192.0.2.1"), RequestOrigin("198.51.100.1")
    with throttle_link_password(7, other):
        pass
    for _ in range(3):
        with throttle_link_password(7, clean) as first, throttle_link_password(8, clean) as second:
            with pytest.raises(HashingBusy), throttle_link_password(9, clean):
                pytest.fail("It was let in.")
            with throttle_link_password(7, other) as third:
                assert current_trust() == Trust.OTHER
                with pytest.raises(HashingBusy), throttle_link_password(8, other):
                    pytest.fail("It was let in.")
            for each in (first, second, third):
                each.succeeded = True


def test_few_threads_are_held_by_what_is_slowed(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "SLOWING_SECONDS", 0)
    with throttling._slowed[Trust.OTHER]:
        with pytest.raises(HashingBusy):
            throttling._slow_down(Trust.OTHER)
        throttling._slow_down(Trust.CLEAN)
    throttling._slow_down(Trust.OTHER)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2fff::1", "2001:db8:1:2f00::/56"),
        (None, "unknown"),
    ],
)
def test_a_network_is_what_one_customer_has(address: str | None, network: str) -> None:
    assert network_key(RequestOrigin(address)) == network


def trust(address: str, device: str = "") -> Trust:
    """Return how far an attempt of Alice's is trusted that succeeds."""
    with throttle_sign_in("alice", RequestOrigin(address, device=device)) as attempt:
        attempt.succeeded = True
        return current_trust()


def test_known_devices_and_networks_without_a_failure_go_first(alice: User, device: str) -> None:
    assert trust("192.0.2.9") == Trust.CLEAN
    guess(1, login="bob", address="192.0.2.1")
    assert trust("192.0.2.9") == Trust.OTHER
    assert trust("192.0.2.9", device) == Trust.KNOWN
    assert trust("198.51.100.1") == Trust.CLEAN


def test_right_passwords_do_not_count_as_failures(alice: User) -> None:
    for _ in range(12):
        assert sign_in() == alice


def test_what_is_interrupted_by_an_outage_is_no_failure(alice: User) -> None:
    for _ in range(12):
        with (
            pytest.raises(ConnectionError),
            throttle_sign_in("alice", RequestOrigin("192.0.2.1")),
        ):
            raise ConnectionError
    assert sign_in() == alice


def test_an_address_may_sign_in_thirty_times_a_minute(alice: User) -> None:
    for _ in range(30):
        sign_in()
    with pytest.raises(TooManyAttempts):
        sign_in()
    assert sign_in(address="192.0.2.9") == alice


def test_rate_limits_can_be_switched_off(alice: User, settings: Settings) -> None:
    settings.RATE_LIMITS = False
    assert guess(12) == 12


def test_what_happens_while_limits_are_off_counts_neither_for_nor_against_anybody_later(
    alice: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = False
    assert guess(7) == 7
    for _ in range(3):
        sign_in()
    settings.RATE_LIMITS = True
    assert trust("192.0.2.1") == Trust.CLEAN
    assert guess(9) == 5


@pytest.mark.parametrize("seconds", [59.9, 61])
def test_whoever_is_refused_in_the_last_moment_waits_a_second(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = (RateLimitItemPerMinute(1, namespace="of-this-test"), "a")
    throttling.enforce_limits(limit)
    clock = SimpleNamespace(time=lambda: time.time() + seconds)
    monkeypatch.setattr(shared_limits, "time", clock)
    with pytest.raises(TooManyAttempts) as refused:
        throttling.enforce_limits(limit)
    assert refused.value.retry_after == 1


UPLOADS: dict[str, Callable[[Client], Response]] = {
    "/image": lambda client: client.post(
        "/image", {"image": DATA_URI}, content_type="application/json"
    ),
    "/api/images": lambda client: client.post(
        "/api/images", {"data": BASE64}, content_type="application/json"
    ),
    "/pictures": lambda client: client.post("/pictures/create-picture", {"file": a_file()}),
    "/api/user": lambda client: client.post("/api/user/images/", {"image": a_file()}),
}


@pytest.mark.parametrize("contract", UPLOADS)
def test_uploads_beyond_an_accounts_rate_are_429_at_every_contract(
    contract: str, alice: User, bob: User, settings: Settings
) -> None:
    settings.UPLOADS_PER_MINUTE = 2
    as_alice, as_bob = token_client(alice), token_client(bob)
    codes = [UPLOADS[contract](as_alice).status_code for _ in range(3)]
    assert codes[:2] in ([200, 200], [201, 201])
    assert codes[2] == 429
    response = UPLOADS[contract](as_alice)
    assert 0 < int(response["Retry-After"]) <= 60
    assert UPLOADS[contract](as_bob).status_code in {200, 201}


def test_several_accounts_of_one_address_share_its_rate(
    alice: User, bob: User, staff: User, settings: Settings
) -> None:
    settings.UPLOADS_PER_MINUTE = 2
    for user in (alice, bob):
        for _ in range(2):
            assert UPLOADS["/api/user"](token_client(user)).status_code == 201
    assert UPLOADS["/api/user"](token_client(staff)).status_code == 429


def test_a_refused_upload_leaves_nothing_behind(alice: User, settings: Settings) -> None:
    settings.UPLOADS_PER_MINUTE = 1
    client = token_client(alice)
    UPLOADS["/api/user"](client)
    UPLOADS["/api/user"](client)
    assert Picture.objects.count() == 1


def test_links_are_opened_no_more_often_from_one_address_than_allowed(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "_link_openings", LocalLimit("link-openings-of-a-test"))
    settings.LINK_OPENINGS_PER_MINUTE = 3
    picture = make_picture(alice)
    link = token_client(alice).get(f"/api/user/link/{picture.pk}/", {"time": "300"}).json()["url"]
    path = urlsplit(link).path
    assert [Client().get(path).status_code for _ in range(2)] == [200, 200]
    # Invented tokens count too.
    assert Client().get("/l/invented").status_code == 404
    refused = Client().get(path)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert Client(REMOTE_ADDR="192.0.2.9").get(path).status_code == 200


@pytest.fixture
def _redis_away(settings: Settings) -> Iterator[None]:
    """Nobody listens where Redis should be; what this process counts begins anew."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    shared_limits._storage.cache_clear()
    shared_limits._process_limiter.cache_clear()
    yield
    shared_limits._storage.cache_clear()
    shared_limits._process_limiter.cache_clear()


@pytest.mark.usefixtures("_redis_away")
def test_without_redis_guesses_are_throttled_within_the_process(alice: User, bob: User) -> None:
    for _ in range(12):
        assert sign_in() == alice
    assert guess(8) == 5
    with pytest.raises(TooManyAttempts) as refused:
        sign_in()
    assert 200 < refused.value.retry_after <= 300
    # Neither other networks nor, from this one, other accounts are kept out.
    assert sign_in(address="198.51.100.1") == alice
    assert sign_in(login="bob") == bob


@pytest.mark.usefixtures("_redis_away")
def test_without_redis_trust_and_the_passwords_of_links_count_within_the_process(
    alice: User,
) -> None:
    with throttle_sign_in("alice", RequestOrigin("192.0.2.9")) as attempt:
        assert current_trust() == Trust.CLEAN
        attempt.succeeded = True
    guess(1)
    with throttle_sign_in("alice", RequestOrigin("192.0.2.9")) as attempt:
        assert current_trust() == Trust.OTHER
        attempt.succeeded = True
    for _ in range(5):
        with throttle_link_password(7, RequestOrigin("192.0.2.1")):
            pass
    with (
        pytest.raises(TooManyAttempts),
        throttle_link_password(7, RequestOrigin("192.0.2.1")),
    ):
        pass
    with throttle_link_password(8, RequestOrigin("192.0.2.1")):
        pass


@pytest.mark.usefixtures("_redis_away")
def test_without_redis_uploads_and_sign_ups_are_throttled_within_the_process(
    alice: User, bob: User, settings: Settings
) -> None:
    settings.UPLOADS_PER_MINUTE = 2
    origins = [RequestOrigin(f"192.0.2.{number}") for number in range(4)]
    for origin in origins[:2]:
        throttling.throttle_upload(alice, origin)
    with pytest.raises(TooManyAttempts):
        throttling.throttle_upload(alice, origins[2])
    throttling.throttle_upload(bob, origins[3])
    limit = (throttling.SIGN_UPS_PER_ADDRESS, "192.0.2.1")
    for _ in range(20):
        throttling.enforce_limits(limit)
    with pytest.raises(TooManyAttempts):
        throttling.enforce_limits(limit)
    throttling.enforce_limits((throttling.SIGN_UPS_PER_ADDRESS, "192.0.2.2"))


def test_a_refused_call_counts_on_no_limit(alice: User) -> None:
    """Else whoever is refused by one limit would use up the others meanwhile."""
    wide = (throttling.SIGN_INS_PER_ADDRESS, "a")
    narrow = (throttling.RECENT_FAILURE, "a")
    throttling.enforce_limits(wide, narrow)
    for _ in range(40):
        with pytest.raises(TooManyAttempts):
            throttling.enforce_limits(wide, narrow)
    for _ in range(29):
        throttling.enforce_limits(wide)
    with pytest.raises(TooManyAttempts):
        throttling.enforce_limits(wide)


@pytest.mark.parametrize("redis", ["there", "away"])
def test_a_right_password_takes_back_its_own_failure_and_no_other(
    alice: User, redis: str, request: pytest.FixtureRequest
) -> None:
    if redis == "away":
        request.getfixturevalue("_redis_away")
    assert guess(4) == 4
    for _ in range(3):
        sign_in()
    assert guess(3) == 1


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each call of `sleep` would have taken; other threads sleep as ever."""
    naps: list[float] = []
    really_sleep, here = time.sleep, threading.get_ident()

    def sleep(seconds: float) -> None:
        if threading.get_ident() == here:
            naps.append(seconds)
        else:
            really_sleep(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    return naps


def test_what_is_slowed_waits_and_gives_its_place_back(slept: list[float]) -> None:
    for _ in range(3):
        throttling._slow_down(Trust.OTHER)
    assert slept == [throttling.SLOWING_SECONDS] * 3


def test_beyond_a_hundred_failures_an_hour_guesses_at_one_links_password_are_slowed(
    slept: list[float],
) -> None:
    def guess_at(link_id: int, network: int) -> None:
        with throttle_link_password(link_id, RequestOrigin(f"198.18.{network}.1")):
            pass

    for network in range(20):
        for _ in range(5):
            guess_at(7, network)
    assert slept == []
    guess_at(8, 100)
    assert slept == []
    guess_at(7, 100)
    assert slept == [throttling.SLOWING_SECONDS]


def test_openings_of_links_are_not_limited_where_limits_are_switched_off(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "_link_openings", LocalLimit("link-openings-of-another-test"))
    settings.LINK_OPENINGS_PER_MINUTE, settings.RATE_LIMITS = 1, False
    origin = RequestOrigin("192.0.2.1")
    assert [throttling.count_link_opening(origin) for _ in range(3)] == [0, 0, 0]
    settings.RATE_LIMITS = True
    assert throttling.count_link_opening(origin) == 0
    assert 0 < throttling.count_link_opening(origin) <= 60
    assert throttling.count_link_opening(RequestOrigin("192.0.2.2")) == 0


@pytest.mark.parametrize(
    ("address", "key"),
    [("192.0.2.77", "192.0.2.77"), ("2001:db8:1:2:3::1", "2001:db8:1:2::/64"), (None, "unknown")],
)
def test_calls_are_counted_by_address_or_network(address: str | None, key: str) -> None:
    throttling._network_of_64.cache_clear()
    for _ in range(2):
        assert throttling.throttling_key(RequestOrigin(address)) == key
