"""Batches of logouts: the queries they take, and when they are acknowledged."""

import json
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pika
import pytest
from django.db import OperationalError, connection
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import RevokedToken, Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_api_token_session, open_bearer_session
from accounts.tokens import issue_jwt
from notifications.logouts import listener
from notifications.logouts.listener import BATCH_SIZE, Delivery, listen_until
from notifications.logouts.long_running import Stop
from notifications.logouts.messages import handle_messages
from tests.notifications.logouts.peers import until
from tests.servers.rabbitmq import Broker

pytestmark = pytest.mark.django_db
ORIGIN = RequestOrigin()
Execute = Callable[..., object]


class Channel:
    """The broker's end of a channel: what was acknowledged, in pika's words."""

    def __init__(self) -> None:
        self.acknowledged: list[int] = []
        self._delivered: list[int] = []

    def deliver(self, *bodies: bytes) -> list[Delivery]:
        first = len(self._delivered) + 1
        batch = [Delivery(tag, body) for tag, body in enumerate(bodies, first)]
        self._delivered += [each.tag for each in batch]
        return batch

    def basic_ack(self, delivery_tag: int, *, multiple: bool = False) -> None:
        tags = [each for each in self._delivered if each not in self.acknowledged]
        self.acknowledged += [
            tag for tag in tags if tag == delivery_tag or (multiple and tag < delivery_tag)
        ]


def logout(message: object) -> bytes:
    return json.dumps({"type": "logout", "message": str(message)}).encode()


def unknown_token(user: User) -> str:
    """Return a JWT of ours whose session is not known."""
    return issue_jwt(Session(pk=uuid.uuid4(), user_id=user.pk), "bearer", timedelta(hours=1))


def away(execute: Execute, sql: str, *rest: Any) -> object:
    raise OperationalError("the server closed the connection")


def test_logouts_heard_while_the_database_is_away_are_not_acknowledged(alice: User) -> None:
    open_bearer_session(alice, ORIGIN)
    channel, session = Channel(), Session.objects.get()
    batch = channel.deliver(logout("unknown"), logout(session.pk), b"malformed")
    with connection.execute_wrapper(away), pytest.raises(OperationalError):
        listener._handle_batch(channel, batch)
    assert channel.acknowledged == []
    assert Session.objects.live().exists()
    listener._handle_batch(channel, batch)
    assert channel.acknowledged == [1, 2, 3]
    assert not Session.objects.live().exists()


@pytest.mark.parametrize("part", ["accounts_revokedtoken", "accounts_session"])
def test_a_batch_that_the_database_breaks_off_half_done_is_not_acknowledged(
    alice: User, part: str
) -> None:
    open_bearer_session(alice, ORIGIN)
    channel = Channel()

    def break_off(execute: Execute, sql: str, *rest: Any) -> object:
        if sql.startswith(("INSERT", "UPDATE")) and part in sql:
            raise OperationalError("the server closed the connection")
        return execute(sql, *rest)

    batch = channel.deliver(logout("unknown"), logout(Session.objects.get().pk))
    with connection.execute_wrapper(break_off), pytest.raises(OperationalError):
        listener._handle_batch(channel, batch)
    assert channel.acknowledged == []


def test_malformed_messages_and_other_types_are_acknowledged_and_hinder_no_other(
    alice: User,
) -> None:
    open_bearer_session(alice, ORIGIN)
    channel, session = Channel(), Session.objects.get()
    bad = (b"", b"[]", b"[" * 100_000, logout(""), b'{"type":"article","message":"x"}')
    listener._handle_batch(channel, channel.deliver(*bad, logout(session.pk), *bad))
    assert channel.acknowledged == list(range(1, 12))
    assert not Session.objects.live().exists()
    assert not RevokedToken.objects.exists()


def test_a_message_that_makes_handling_raise_keeps_no_other_from_being_handled(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_bearer_session(alice, ORIGIN)
    channel, session = Channel(), Session.objects.get()

    def handle(bodies: list[bytes]) -> None:
        if b"poison" in bodies:
            raise ZeroDivisionError
        handle_messages(bodies)

    monkeypatch.setattr(listener, "handle_messages", handle)
    batch = channel.deliver(logout("a"), b"poison", logout(session.pk))
    listener._handle_batch(channel, batch)
    assert channel.acknowledged == [1, 2, 3]
    assert not Session.objects.live().exists()
    assert RevokedToken.objects.count() == 1


def test_no_message_is_acknowledged_where_the_database_goes_away_between_two(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = Channel()

    def handle(bodies: list[bytes]) -> None:
        if len(bodies) > 1:
            raise ZeroDivisionError
        if bodies == [b"second"]:
            raise OperationalError("the server closed the connection")

    monkeypatch.setattr(listener, "handle_messages", handle)
    with pytest.raises(OperationalError):
        listener._handle_batch(channel, channel.deliver(b"first", b"second", b"third"))
    assert channel.acknowledged == []


def test_a_batch_ends_what_it_names_and_denies_what_is_unknown(alice: User, bob: User) -> None:
    """Of every form: by key, by JWT and by id, of two accounts, one of them twice."""
    tokens = [open_bearer_session(user, ORIGIN) for user in (alice, bob, alice)]
    by_token, by_key, kept = Session.objects.order_by("created_at")
    open_api_token_session(bob, ORIGIN)
    stranger = unknown_token(alice)
    messages = [f"bearer {tokens[0]}", by_key.pk, stranger, "an id", f"Bearer {stranger}", "an id"]
    handle_messages(map(logout, messages))
    assert set(Session.objects.live().exclude(scheme="token")) == {kept}
    assert {each.pk for each in Session.objects.exclude(ended_at=None)} == {by_token.pk, by_key.pk}
    assert RevokedToken.objects.count() == 2
    before = list(RevokedToken.objects.order_by("pk").values())
    handle_messages(map(logout, [*messages, "another id"]))
    assert RevokedToken.objects.count() == 3
    assert list(RevokedToken.objects.filter(pk__in=[each["digest"] for each in before])
                .order_by("pk").values()) == before  # fmt: skip


@pytest.mark.parametrize("known", [0, 3])
def test_a_batch_costs_the_same_queries_whatever_it_holds(
    alice: User, known: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """Those of the sessions, of the denylist within a savepoint, of the end within another."""
    for _ in range(known):
        open_bearer_session(alice, ORIGIN)
    named = list(Session.objects.values_list("pk", flat=True))
    bodies = [logout(uuid.uuid4()) for _ in range(BATCH_SIZE - known)]
    with django_assert_max_num_queries(9):
        handle_messages([*bodies, *map(logout, named)])
    assert not Session.objects.live().exists()
    assert RevokedToken.objects.count() == len(bodies)


@pytest.mark.nightly
@pytest.mark.rabbitmq
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_five_thousand_unknown_logouts_take_a_listener_less_than_two_seconds(
    alice: User, broker: Broker, settings: Settings
) -> None:
    """Of processor time, since other processes may delay it."""
    settings.AUTH_QUEUE = f"ours-{uuid.uuid4()}"
    open_bearer_session(alice, ORIGIN)
    stop, taken = Stop(), []
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as opened:
        channel = opened.channel()
        channel.queue_declare(settings.AUTH_QUEUE, durable=True)
        unknown = [f"bearer {unknown_token(alice)}" for _ in range(2_500)]
        for message in (*unknown, *(uuid.uuid4() for _ in range(2_500)), Session.objects.get().pk):
            channel.basic_publish("", settings.AUTH_QUEUE, logout(message))

        def listen() -> None:
            try:
                listen_until(stop)
            finally:
                taken.append(time.thread_time())
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            until(lambda: not Session.objects.live().exists(), 60)
        finally:
            stop.set()
            thread.join()
        left = channel.queue_declare(settings.AUTH_QUEUE, passive=True).method.message_count
        channel.queue_delete(settings.AUTH_QUEUE)
    assert (left, RevokedToken.objects.count()) == (0, 5_000)
    assert taken[0] < 2
