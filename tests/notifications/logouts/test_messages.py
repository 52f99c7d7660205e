import json
import uuid
from base64 import urlsafe_b64encode
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.cookies import access_cookie, refresh_cookie
from accounts.denylist import purge_denylist
from accounts.models import RevokedToken, Session, User
from accounts.renewal import renew_cookies
from accounts.request_origin import RequestOrigin
from accounts.sessions import (
    open_api_token_session,
    open_bearer_session,
    open_cookie_session,
)
from accounts.tokens import issue_jwt
from notifications.logouts.messages import MAX_MESSAGE_SIZE, handle_messages
from notifications.models import OutboxMessage
from tests.clients import Client

pytestmark = pytest.mark.django_db


def logout(message: str) -> bytes:
    return json.dumps({"type": "logout", "message": message}).encode()


@pytest.fixture
def token(alice: User, settings: Settings) -> str:
    settings.AMQP_URL = "amqp://nowhere"
    return open_bearer_session(alice, RequestOrigin())


@pytest.mark.parametrize(
    "form", ["bearer {}", "Bearer {}", "BEARER   {}", "bearer\t{}", "{}", " {} "]
)
def test_a_token_in_any_form_ends_its_session(token: str, form: str) -> None:
    handle_messages([logout(form.format(token))])
    assert not Session.objects.live().exists()


@pytest.mark.parametrize("form", ["{}", "bearer {}"])
def test_a_token_id_ends_its_session(token: str, form: str) -> None:
    handle_messages([logout(form.format(Session.objects.get().pk))])
    assert not Session.objects.live().exists()


@pytest.mark.parametrize(
    "body", ['{{"message": "{}"}}', '{{"type": null, "message": "bearer {}"}}']
)
def test_a_message_without_a_type_is_a_logout(token: str, body: str) -> None:
    handle_messages([body.format(token).encode()])
    assert not Session.objects.live().exists()


def announced() -> list[str]:
    return [json.loads(row.body)["message"] for row in OutboxMessage.objects.order_by("pk")]


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "bEaReR   "])
def test_a_sign_out_announces_the_header_as_sent_and_both_usual_spellings(
    token: str, scheme: str
) -> None:
    client = Client(headers={"Authorization": f"{scheme}{token}"})
    assert client.get("/auth/signout").status_code == 200
    assert announced()[0] == f"{scheme}{token}"
    assert {*announced()} == {f"{scheme}{token}", f"bearer {token}", f"Bearer {token}"}
    assert len(announced()) == len({*announced()})


def test_a_bare_token_is_announced_as_a_bearer_token_first(token: str) -> None:
    Client(headers={"Authorization": token}).post("/api/user/jwt-logout/")
    assert announced() == [f"bearer {token}", f"Bearer {token}", token]


def test_cookies_are_announced_by_their_access_token(alice: User, settings: Settings) -> None:
    settings.AMQP_URL = "amqp://nowhere"
    pair = open_cookie_session(alice, RequestOrigin())
    client = Client()
    client.cookies[access_cookie()], client.cookies[refresh_cookie()] = pair.access, pair.refresh
    assert client.post("/api/user/jwt-logout/").status_code == 204
    assert announced() == [f"bearer {pair.access}", f"Bearer {pair.access}"]


def test_an_api_token_is_announced_by_its_id_and_never_in_clear(
    alice: User, settings: Settings
) -> None:
    settings.AMQP_URL = "amqp://nowhere"
    key = open_api_token_session(alice, RequestOrigin())
    Client(headers={"Authorization": f"Token {key}"}).get("/auth/signout")
    assert announced() == [str(Session.objects.get().pk)]


def test_a_cookie_that_does_not_verify_is_not_announced(alice: User, settings: Settings) -> None:
    """A refresh token that was just replaced still lets a request in, whatever is beside it."""
    settings.AMQP_URL = "amqp://nowhere"
    pair = open_cookie_session(alice, RequestOrigin())
    renew_cookies(pair.refresh)
    client = Client()
    client.cookies[access_cookie()], client.cookies[refresh_cookie()] = "nonsense", pair.refresh
    assert client.post("/api/user/jwt-logout/").status_code == 204
    assert not any("nonsense" in name for name in announced())
    assert announced()


def test_a_peers_logout_is_not_announced_again(token: str) -> None:
    handle_messages([logout(f"bearer {token}")])
    assert not OutboxMessage.objects.exists()


def test_a_repeated_logout_changes_nothing(token: str) -> None:
    handle_messages([logout(token)])
    ended = Session.objects.get().ended_at
    handle_messages([logout(token)])
    assert Session.objects.get().ended_at == ended
    assert not RevokedToken.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"no json", b"[]", b"null", b'"logout"', b"{}", b'{"type":"logout"}',
        b'{"type":"logout","message":null}', b'{"type":"logout","message":7}',
        b'{"type":"logout","message":"  "}', b'{"type":"logout","message":"\\u0000"}',
        b'{"type":"article","message":"x"}', b'{"type":0,"message":"x"}',
        b"\xff\xfe", b"[" * 100_000, b"x" * 1_000_000,
        b'{"type":"logout","message":{"a":1}}', b'{"message":"bearer a.b.\\ud800"}',
    ],
)  # fmt: skip
def test_malformed_messages_and_other_types_are_dropped(token: str, body: bytes) -> None:
    handle_messages([body])
    assert Session.objects.live().count() == 1
    assert not RevokedToken.objects.exists()


def test_what_says_more_or_less_than_a_token_or_is_longer_than_any_ends_nothing(token: str) -> None:
    handle_messages([logout(each) for each in ("bearer", " Bearer ", f"bearer {token} and more")])
    handle_messages([logout(token + " " * MAX_MESSAGE_SIZE)])
    assert Session.objects.live().count() == 1
    room = MAX_MESSAGE_SIZE - len(logout(token))
    handle_messages([logout(token + " " * room)])
    assert not Session.objects.live().exists()


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(max_size=60))
def test_no_text_makes_handling_raise(db: None, text: str) -> None:
    handle_messages([logout(text)])


def test_an_unknown_token_is_on_the_denylist_until_it_would_expire(alice: User) -> None:
    stranger = Session(pk=uuid.uuid4(), user_id=alice.pk)
    token = issue_jwt(stranger, "bearer", timedelta(hours=1))
    for _ in range(2):
        handle_messages([logout(token)])
    assert RevokedToken.objects.count() == 1
    assert purge_denylist() == 0
    RevokedToken.objects.update(expires_at="2020-01-01T00:00Z")
    assert purge_denylist() == 1


@pytest.mark.parametrize("days", [1, 900])
def test_an_unknown_token_is_denied_no_longer_than_a_token_of_today_lives(
    alice: User, settings: Settings, days: int
) -> None:
    settings.BEARER_LIFETIME = timedelta(days=14)
    token = issue_jwt(Session(user_id=alice.pk), "bearer", timedelta(days=days))
    handle_messages([logout(token)])
    end = timezone.now() + timedelta(days=min(days, 14))
    assert abs(RevokedToken.objects.get().expires_at - end) < timedelta(minutes=1)


NESTED = urlsafe_b64encode(b'{"a":' + b"[" * 5_000).decode().rstrip("=")


@pytest.mark.parametrize("text", ["a.b.c", "..", f"e30.{NESTED}.x", "e30.W10.x"])
def test_what_only_looks_like_a_token_is_denied_as_it_is(alice: User, text: str) -> None:
    open_bearer_session(alice, RequestOrigin())
    session = Session.objects.get()
    handle_messages([logout(text), logout(str(session.pk))])
    assert RevokedToken.objects.count() == 1
    assert not Session.objects.live().exists()


def test_without_a_broker_no_logout_message_is_written(alice: User, settings: Settings) -> None:
    settings.AMQP_URL = ""
    open_bearer_session(alice, RequestOrigin())
    Session.objects.of(alice).end()
    assert not OutboxMessage.objects.exists()


def test_a_logout_message_is_rolled_back_with_its_transaction(
    alice: User, settings: Settings
) -> None:
    settings.AMQP_URL = "amqp://nowhere"
    open_bearer_session(alice, RequestOrigin())
    mark = transaction.savepoint()
    Session.objects.of(alice).end()
    assert OutboxMessage.objects.exists()
    transaction.savepoint_rollback(mark)
    assert not OutboxMessage.objects.exists()
    assert Session.objects.live().exists()
