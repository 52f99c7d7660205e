import json
import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.denylist import purge_denylist
from accounts.models import RevokedToken, Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from accounts.tokens import issue_jwt
from notifications.logouts.messages import handle_message
from notifications.models import OutboxMessage

pytestmark = pytest.mark.django_db


def logout(message: str) -> bytes:
    return json.dumps({"type": "logout", "message": message}).encode()


@pytest.fixture
def token(alice: User, settings: Settings) -> str:
    settings.AMQP_URL = "amqp://nowhere"
    return open_bearer_session(alice, RequestOrigin())


@pytest.mark.parametrize("form", ["bearer {}", "Bearer {}", "BEARER   {}", "{}", " {} "])
def test_a_token_in_any_form_ends_its_session(token: str, form: str) -> None:
    handle_message(logout(form.format(token)))
    assert not Session.objects.live().exists()


@pytest.mark.parametrize("form", ["{}", "bearer {}"])
def test_a_token_id_ends_its_session(token: str, form: str) -> None:
    handle_message(logout(form.format(Session.objects.get().pk)))
    assert not Session.objects.live().exists()


def test_a_peers_logout_is_not_announced_again(token: str) -> None:
    handle_message(logout(f"bearer {token}"))
    assert not OutboxMessage.objects.exists()


def test_a_repeated_logout_changes_nothing(token: str) -> None:
    handle_message(logout(token))
    ended = Session.objects.get().ended_at
    handle_message(logout(token))
    assert Session.objects.get().ended_at == ended
    assert not RevokedToken.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"no json", b"[]", b"null", b'"logout"', b"{}", b'{"type":"logout"}',
        b'{"type":"logout","message":null}', b'{"type":"logout","message":7}',
        b'{"type":"logout","message":"  "}', b'{"type":"logout","message":"\\u0000"}',
        b'{"type":"article","message":"x"}', b"\xff\xfe", b"[" * 100_000, b"x" * 1_000_000,
        b'{"type":"logout","message":{"a":1}}',
    ],
)  # fmt: skip
def test_malformed_messages_and_other_types_are_dropped(token: str, body: bytes) -> None:
    handle_message(body)
    assert Session.objects.live().count() == 1
    assert not RevokedToken.objects.exists()


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(max_size=60))
def test_no_text_makes_handling_raise(db: None, text: str) -> None:
    handle_message(logout(text))


def test_an_unknown_token_is_on_the_denylist_until_it_would_expire(alice: User) -> None:
    stranger = Session(pk=uuid.uuid4(), user_id=alice.pk)
    token = issue_jwt(stranger, "bearer", timedelta(hours=1))
    for _ in range(2):
        handle_message(logout(token))
    assert RevokedToken.objects.count() == 1
    assert purge_denylist() == 0
    RevokedToken.objects.update(expires_at="2020-01-01T00:00Z")
    assert purge_denylist() == 1


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
    assert OutboxMessage.objects.count() == 1
    transaction.savepoint_rollback(mark)
    assert not OutboxMessage.objects.exists()
    assert Session.objects.live().exists()
