"""The loops of listener and relay: what they declare, when they begin again, and when they end."""

import json
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pika.exceptions import AMQPError
from pytest_django import Settings

from accounts.models import RevokedToken, Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from lib.backoff import ExponentialBackoff
from notifications.logouts import broker as brokers
from notifications.logouts import listener, relay
from notifications.logouts.broker import run_until_stopped
from notifications.logouts.listener import BATCH_SIZE, listen_until
from notifications.logouts.long_running import Stop
from notifications.logouts.messages import handle_messages
from notifications.logouts.relay import relay_until
from notifications.models import Heartbeat, OutboxMessage
from tests.notifications.logouts.fake_broker import FakeBroker

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(30)]
Connect = Callable[[FakeBroker], None]


@pytest.fixture
def stop() -> Stop:
    return Stop()


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Connect:
    """Let listener and relay find a broker."""
    settings.AUTH_QUEUE, settings.AUTH_EXCHANGE = "ours", "auth"

    def put(broker: FakeBroker) -> None:
        for module in (listener, relay):
            monkeypatch.setattr(module, "connect", lambda: broker)

    return put


def logout(message: object) -> bytes:
    return json.dumps({"type": "logout", "message": str(message)}).encode()


@pytest.mark.parametrize("durable", [False, True])
def test_the_listener_declares_what_peers_declare_and_binds_before_it_listens(
    connect: Connect, stop: Stop, settings: Settings, durable: bool
) -> None:
    settings.AUTH_EXCHANGE_DURABLE = durable
    broker = FakeBroker(idle=stop.set)
    connect(broker)
    listen_until(stop)
    assert broker.calls == [
        ("exchange", ("auth", "fanout", durable)), ("queue", ("ours", True)),
        ("bind", ("ours", "auth", "")), ("qos", BATCH_SIZE), ("close", None),
    ]  # fmt: skip


def test_what_arrives_in_several_pieces_is_handled_together(
    connect: Connect, stop: Stop, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_bearer_session(alice, RequestOrigin())
    handled: list[int] = []

    def count(bodies: list[bytes]) -> None:
        handled.append(len(bodies))
        handle_messages(bodies)

    monkeypatch.setattr(listener, "handle_messages", count)
    pieces = [[logout(uuid.uuid4())], [logout(uuid.uuid4()), b""]]
    broker = FakeBroker(*pieces, [logout(Session.objects.get().pk)], idle=stop.set)
    connect(broker)
    listen_until(stop)
    assert handled == [4]
    assert broker.acknowledged == [1, 2, 3, 4]
    assert not Session.objects.live().exists()
    assert RevokedToken.objects.count() == 2


def test_a_batch_is_no_larger_than_what_may_be_unacknowledged(
    connect: Connect, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: list[int] = []
    monkeypatch.setattr(listener, "BATCH_SIZE", 3)
    monkeypatch.setattr(listener, "handle_messages", lambda bodies: handled.append(len(bodies)))
    broker = FakeBroker([b"x"] * 7, idle=stop.set)
    connect(broker)
    listen_until(stop)
    assert (handled, broker.acknowledged) == ([3, 3, 1], [1, 2, 3, 4, 5, 6, 7])


def test_the_listener_writes_its_heartbeat_now_and_then(
    connect: Connect, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, seen = [1000.0], list[datetime | None]()
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def idle() -> None:
        seen.append(
            Heartbeat.objects.filter(name="auth-events").values_list("at", flat=True).first()
        )
        clock[0] += 2
        if len(seen) == 7:
            stop.set()

    connect(FakeBroker(idle=idle))
    listen_until(stop)
    assert seen[0] is None
    # At 1000, and when five seconds are over: at 1006 and 1012.
    assert [seen.index(at) for at in dict.fromkeys(seen[1:])] == [1, 4]
    assert timezone.now() - Heartbeat.objects.get().at < timedelta(minutes=1)


def test_a_listener_that_was_connected_begins_again_with_the_shortest_delay(
    connect: Connect, stop: Stop
) -> None:
    backoff = ExponentialBackoff(1, 64)
    for _ in range(6):
        backoff.next_delay()
    reads: list[None] = []

    def idle() -> None:
        reads.append(None)
        if len(reads) == 2:
            stop.set()

    connect(FakeBroker(idle=idle))
    listener._listen(stop, backoff)
    assert backoff.next_delay() <= 1


@pytest.mark.parametrize("durable", [False, True])
def test_the_relay_gives_peers_time_to_bind_where_the_exchange_forgets_them(
    connect: Connect, settings: Settings, durable: bool
) -> None:
    settings.AUTH_EXCHANGE_DURABLE = durable
    OutboxMessage.objects.create(body="a")
    waited: list[tuple[float, int]] = []

    class Waiting(Stop):
        def wait(self, seconds: float) -> None:
            waited.append((seconds, len(broker.published)))

    stop = Waiting()
    broker = FakeBroker(idle=stop.set)
    connect(broker)
    relay_until(stop)
    assert waited[0] == (0 if durable else relay.REBIND_SECONDS, 0)
    assert broker.calls[:2] == [("confirm", None), ("exchange", ("auth", "fanout", durable))]
    assert broker.published == [b"a"]
    assert not OutboxMessage.objects.exists()


def test_the_relay_goes_on_batch_after_batch_and_looks_again_when_idle(
    connect: Connect, settings: Settings, monkeypatch: pytest.MonkeyPatch, stop: Stop
) -> None:
    settings.AUTH_EXCHANGE_DURABLE = True
    monkeypatch.setattr(relay, "BATCH_SIZE", 2)
    for body in "abc":
        OutboxMessage.objects.create(body=body)
    later = iter("d")

    def idle() -> None:
        assert not OutboxMessage.objects.exists(), "it looks at the network though more waits"
        body = next(later, None)
        if body is None:
            stop.set()
        else:
            OutboxMessage.objects.create(body=body)

    broker = FakeBroker(idle=idle)
    connect(broker)
    relay_until(stop)
    assert broker.published == [b"a", b"b", b"c", b"d"]


def test_a_relay_that_was_connected_begins_again_with_the_shortest_delay(
    connect: Connect, stop: Stop, settings: Settings
) -> None:
    settings.AUTH_EXCHANGE_DURABLE = True
    backoff = ExponentialBackoff(1, 64)
    for _ in range(6):
        backoff.next_delay()
    connect(FakeBroker(idle=stop.set))
    relay._relay(stop, backoff)
    assert backoff.next_delay() <= 1


@pytest.mark.django_db(transaction=True)
def test_a_database_that_locks_no_rows_is_not_locked_while_the_broker_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SQLite would let nobody else write until it answers."""
    was_open: list[bool] = []

    class Watching(FakeBroker):
        def basic_publish(self, *arguments: Any, **options: Any) -> None:
            was_open.append(connection.in_atomic_block)

    can_lock = connection.features.has_select_for_update
    for locks_rows in (can_lock, False):
        monkeypatch.setattr(connection.features, "has_select_for_update", locks_rows)
        OutboxMessage.objects.create(body="a")
        assert relay.send_batch(Watching(idle=lambda: None)) == 1
    assert was_open == [can_lock, False]
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize("error", [OSError(), AMQPError(), OperationalError()])
def test_work_begins_again_after_an_outage_and_ends_when_it_is_stopped(
    stop: Stop, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(brokers, "close_old_connections", lambda: None)
    delays: list[float] = []
    monkeypatch.setattr(stop, "wait", delays.append)
    begun: list[ExponentialBackoff] = []

    def work(given: Stop, backoff: ExponentialBackoff) -> None:
        begun.append(backoff)
        if len(begun) == 4:
            stop.set()
        raise error

    run_until_stopped(work, stop)
    assert len(begun) == 4
    assert len(set(map(id, begun))) == 1
    assert delays[0] > 0
    assert sorted(delays[:3]) == delays[:3]
    assert delays[3] == 0


def test_what_is_no_outage_ends_the_command(stop: Stop) -> None:
    def work(given: Stop, backoff: ExponentialBackoff) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_until_stopped(work, stop)
