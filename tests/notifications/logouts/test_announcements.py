"""What is announced of sessions that end without their token: every JWT that peers may hold."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.cookies import access_cookie
from accounts.exceptions import BadToken
from accounts.models import RevokedToken, Session, User
from accounts.renewal import REUSE_LEEWAY, renew_cookies
from accounts.request_origin import RequestOrigin
from accounts.services import disable
from accounts.sessions import open_api_token_session, open_bearer_session, open_cookie_session
from accounts.token_authentication import authenticate_jwt
from notifications.logouts.messages import handle_messages
from notifications.models import OutboxMessage
from tests.clients import Client
from tests.factories import PASSWORD, delete_account, replace_password, tier

pytestmark = pytest.mark.django_db
ORIGIN = RequestOrigin()


@pytest.fixture(autouse=True)
def _fan_out(settings: Settings) -> None:
    settings.AMQP_URL = "amqp://nowhere"


def announced() -> list[str]:
    return [json.loads(row.body)["message"] for row in OutboxMessage.objects.order_by("pk")]


def both_spellings(*tokens: str) -> list[str]:
    return [f"{scheme} {token}" for token in tokens for scheme in ("bearer", "Bearer")]


class Person:
    """Somebody who signs in by every contract and keeps each JWT that a peer would accept."""

    def __init__(self) -> None:
        self.login = f"p{uuid4().hex}"
        self.tokens: list[str] = []
        self.browsers: list[Client] = []
        self.sign_up()

    def sign_up(self) -> None:
        body = {"name": "P", "login": self.login, "password": PASSWORD}
        self._keep(Client().post("/auth/signup", body, "application/json").json()["token"])

    def sign_in(self) -> None:
        body = {"login": self.login, "password": PASSWORD}
        self._keep(Client().post("/auth/signin", body, "application/json").json()["token"])

    def log_in(self) -> None:
        body = {"login": self.login, "password": PASSWORD}
        response = Client().post("/api/login", body, "application/json")
        self._keep(response.json()["Authorization"])

    def log_in_with_cookies(self) -> None:
        self.browsers.append(Client())
        body = {"username": self.login, "password": PASSWORD}
        response = self.browsers[-1].post("/api/user/jwt-login/", body, "application/json")
        self._keep(response.cookies[access_cookie()].value)

    def renew_cookies(self) -> None:
        for browser in self.browsers:
            del browser.cookies[access_cookie()]
            self._keep(browser.get("/api/user/images/").cookies[access_cookie()].value)

    def _keep(self, token: str) -> None:
        assert authenticate_jwt(token, "bearer", "access").user.username == self.login
        self.tokens.append(token)


ACTIONS: list[Callable[[Person], None]] = [
    Person.sign_in, Person.log_in, Person.log_in_with_cookies, Person.renew_cookies,
]  # fmt: skip
ENDS: list[Callable[[User], object]] = [
    lambda user: Session.objects.of(user).end(),
    lambda user: replace_password(user, "another good one"),
    disable,
    delete_account,
]
# Each changes before an action, as an operator would by a restart.
KEYS = ["one key of the two, long enough", "another, long enough", settings.SECRET_KEY]
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "SECRET_KEY": st.sampled_from(KEYS),
        "BEARER_LIFETIME": st.timedeltas(timedelta(minutes=1), timedelta(days=90)),
        "COOKIE_ACCESS_LIFETIME": st.timedeltas(timedelta(minutes=1), timedelta(days=1)),
    },
)


@pytest.mark.unhurried
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)
@given(st.lists(st.tuples(SETTINGS, st.sampled_from(ACTIONS)), max_size=6), st.sampled_from(ENDS))
def test_every_jwt_of_every_sign_in_is_made_anew_byte_for_byte(
    db: None,
    steps: list[tuple[dict[str, object], Callable[[Person], None]]],
    end: Callable[[User], object],
) -> None:
    tier("Premium")
    OutboxMessage.objects.all().delete()
    with ExitStack() as changed:
        changed.enter_context(override_settings(SECRET_KEY_FALLBACKS=KEYS, RATE_LIMITS=False))
        person = Person()
        for values, act in steps:
            changed.enter_context(override_settings(**values))
            act(person)
        end(User.objects.get(username=person.login))
        assert sorted(announced()) == sorted(both_spellings(*{*person.tokens}))
        for header in announced():
            client = Client(headers={"Authorization": header})
            assert client.get("/auth/currentUser").status_code == 401


def test_all_live_access_tokens_of_a_browser_are_announced_whoever_ends_its_session(
    alice: User, settings: Settings
) -> None:
    """A refresh token that is used again later ends the session without a token of its own."""
    pair = open_cookie_session(alice, ORIGIN)
    settings.COOKIE_ACCESS_LIFETIME *= 3
    renewed = renew_cookies(pair.refresh).renewed_cookies
    assert renewed is not None
    Session.objects.update(replaced_at=timezone.now() - REUSE_LEEWAY - timedelta(seconds=1))
    with pytest.raises(BadToken):
        renew_cookies(pair.refresh)
    assert announced() == both_spellings(pair.access, renewed.access)


def test_signing_out_by_one_access_token_announces_the_others(alice: User) -> None:
    pair = open_cookie_session(alice, ORIGIN)
    with override_settings(COOKIE_ACCESS_LIFETIME=timedelta(hours=3)):
        renewed = renew_cookies(pair.refresh).renewed_cookies
    assert renewed is not None
    client = Client(headers={"Authorization": f"BEARER {renewed.access}"})
    assert client.post("/api/user/jwt-logout/").status_code == 204
    assert announced()[0] == f"BEARER {renewed.access}"
    assert sorted(announced()[1:]) == sorted(both_spellings(pair.access, renewed.access))


@pytest.mark.parametrize("end", [ENDS[0], ENDS[1], ENDS[2]])
def test_a_session_without_a_jwt_of_ours_is_announced_by_its_id(
    alice: User, end: Callable[[User], object]
) -> None:
    open_api_token_session(alice, ORIGIN)
    end(alice)
    assert announced() == [str(Session.objects.get().pk)]


def test_a_session_of_a_release_before_is_announced_by_its_id_or_the_token_that_signs_out(
    alice: User,
) -> None:
    tokens = [open_bearer_session(alice, ORIGIN) for _ in range(2)]
    Session.objects.update(issued_jwts=None)
    Client(headers={"Authorization": f"bearer {tokens[0]}"}).get("/auth/signout")
    assert announced() == both_spellings(tokens[0])
    OutboxMessage.objects.all().delete()
    left = Session.objects.live().get()
    disable(alice)
    assert announced() == [str(left.pk)]


def test_a_session_whose_key_is_gone_is_announced_by_its_id(
    alice: User, settings: Settings
) -> None:
    open_bearer_session(alice, ORIGIN)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the next key, which is long enough", []
    disable(alice)
    assert announced() == [str(Session.objects.get().pk)]


def test_a_session_keeps_its_jwts_key_whichever_setting_holds_it(
    alice: User, settings: Settings
) -> None:
    token = open_bearer_session(alice, ORIGIN)
    settings.SECRET_KEY_FALLBACKS = ["an older key, long enough", settings.SECRET_KEY]
    settings.SECRET_KEY = "the next key, which is long enough"
    disable(alice)
    assert announced() == both_spellings(token)


@pytest.mark.parametrize("end", ENDS)
def test_hearing_its_own_announcements_changes_nothing_and_announces_nothing(
    alice: User, end: Callable[[User], object]
) -> None:
    open_bearer_session(alice, ORIGIN)
    open_api_token_session(alice, ORIGIN)
    open_cookie_session(alice, ORIGIN)
    end(alice)
    bodies = [row.body for row in OutboxMessage.objects.all()]
    assert len(bodies) == 5
    sessions = list(Session.objects.values().order_by("pk"))
    for body in bodies * 2:
        handle_messages([body.encode()])
    assert list(Session.objects.values().order_by("pk")) == sessions
    assert OutboxMessage.objects.count() == 5
    # The sessions of a deleted account are known no more: one entry each, until it would expire.
    assert RevokedToken.objects.count() == (0 if sessions else 3)
