"""Passwords that change while they are checked, by real threads on real connections."""

from collections.abc import Callable
from functools import partial

import pytest
from pytest_django import Settings

from accounts.models import SecurityEvent, Session, User
from accounts.services import disable
from tests.clients import Client
from tests.factories import PASSWORD, bearer_client, make_user, replace_password
from tests.parallel import run_in_parallel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]
ROUNDS = 5
NEW = "another good one"


@pytest.fixture(autouse=True)
def _hash_for_real(settings: Settings) -> None:
    """With the hasher of a deployment, whose time is where the races are."""
    settings.PASSWORD_HASHERS = ["accounts.hashers.OwaspArgon2Hasher"]
    settings.RATE_LIMITS = False


def sign_in(address: str, fields: tuple[str, str], login: str, password: str) -> int:
    body = dict(zip(fields, (login, password), strict=True))
    return Client().post(address, body, content_type="application/json").status_code


def sign_in_to_the_admin(login: str, password: str) -> int:
    """Return 200 where the browser is signed in afterwards."""
    browser = Client()
    browser.post("/admin/login/", {"username": login, "password": password})
    return browser.get("/admin/").status_code


WAYS_IN: list[Callable[[str, str], int]] = [
    partial(sign_in, "/auth/signin", ("login", "password")),
    partial(sign_in, "/api/login", ("login", "password")),
    partial(sign_in, "/api/user/token/", ("username", "password")),
    partial(sign_in, "/api/user/jwt-login/", ("username", "password")),
    sign_in_to_the_admin,
]


def change(user: User) -> None:
    replace_password(User.objects.get(pk=user.pk), NEW)


@pytest.mark.unhurried
@pytest.mark.parametrize("interruption", [change, disable])
def test_no_sign_in_with_the_old_password_outlives_what_ends_the_sessions(
    interruption: Callable[[User], None],
) -> None:
    for number in range(ROUNDS):
        user = make_user(f"person{number}", is_staff=True, is_superuser=True)

        def enter(way: Callable[[str, str], int], login: str = user.username) -> None:
            way(login, PASSWORD)

        works = [partial(enter, way) for way in WAYS_IN]
        run_in_parallel([*works, partial(interruption, user)])
        assert not Session.objects.live().filter(user=user).exists()
        # Each in its turn: all of them check the same password.
        assert WAYS_IN[number % len(WAYS_IN)](user.username, PASSWORD) != 200


@pytest.mark.unhurried
def test_of_sign_ins_at_once_from_a_new_device_one_is_the_first() -> None:
    for number in range(ROUNDS):
        user = make_user(f"person{number}")
        enter = partial(WAYS_IN[0], user.username, PASSWORD)
        run_in_parallel([enter] * 3)
        entries = SecurityEvent.objects.filter(user_id=user.pk, kind="sign-in")
        assert sorted(entries.values_list("is_new_device", flat=True)) == [False, False, True]


@pytest.mark.unhurried
def test_of_two_changes_at_once_one_wins_and_the_other_hears_that_the_password_is_wrong() -> None:
    for number in range(ROUNDS):
        user = make_user(f"person{number}")
        clients = [bearer_client(user), bearer_client(user)]

        def change_to(position: int, clients: list[Client] = clients) -> int:
            body = {"currentPassword": PASSWORD, "newPassword": f"{NEW} {position}"}
            response = clients[position].post(
                "/auth/password", body, content_type="application/json"
            )
            return response.status_code

        codes = run_in_parallel([partial(change_to, 0), partial(change_to, 1)])
        # The loser's session may have ended before it was asked.
        assert sorted(codes) in ([200, 400], [200, 401])
        user.refresh_from_db()
        assert user.check_password(f"{NEW} {codes.index(200)}")
