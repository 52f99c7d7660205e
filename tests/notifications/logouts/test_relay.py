"""The relay against a real RabbitMQ: every way to end a session, and through every outage."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pika
import pytest
from django.db import connection

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.services import disable, set_password
from accounts.sessions import open_bearer_session
from notifications.logouts import relay as relaying
from notifications.logouts.long_running import Stop
from notifications.models import OutboxMessage
from tests.clients import Client
from tests.factories import make_user
from tests.notifications.logouts.commands import running
from tests.notifications.logouts.peers import Peer, until
from tests.servers.rabbitmq import Broker
from tests.waiting import are_prompt, timed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.rabbitmq,
    pytest.mark.slow,
    pytest.mark.timeout(180),
]


# Where all agree on a durable exchange, bindings are still there after an outage.
DURABLE = {"AUTH_EXCHANGE": "auth-durable", "AUTH_EXCHANGE_DURABLE": "on"}


@pytest.fixture
def durable_peer(broker: Broker) -> Iterator[Peer]:
    with closing(Peer(broker.url, exchange="auth-durable", durable=True)) as made:
        yield made


@pytest.fixture
def relay(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The relay's own loop, in a thread of this process; no peer has to bind again."""
    monkeypatch.setattr(relaying, "REBIND_SECONDS", 0)
    stop = Stop()

    def run() -> None:
        relaying.relay_until(stop)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


def say(message: str) -> None:
    OutboxMessage.objects.create(body=json.dumps({"type": "logout", "message": message}))


def is_declared(url: str, exchange: str) -> bool:
    with pika.BlockingConnection(pika.URLParameters(url)) as connected:
        try:
            connected.channel().exchange_declare(exchange, passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            return False
    return True


@pytest.mark.parametrize("way", ["signout", "jwt-logout", "password", "disable", "end all"])
def test_a_peer_hears_of_every_way_to_end_a_session(
    alice: User, peer: Peer, relay: None, way: str
) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    client = Client(headers={"Authorization": f"Bearer {token}"})
    token_id = str(Session.objects.get().pk)
    expected = token_id
    if way == "signout":
        client.get("/auth/signout")
        expected = f"bearer {token}"
    elif way == "jwt-logout":
        client.post("/api/user/jwt-logout/")
        expected = f"bearer {token}"
    elif way == "password":
        set_password(alice, "another good one")
    elif way == "disable":
        disable(alice)
    else:
        Session.objects.of(alice).end()
    until(lambda: peer.heard)
    assert peer.heard == [expected]
    until(lambda: not OutboxMessage.objects.exists())


def test_a_broker_that_is_away_neither_fails_nor_slows_a_sign_out_and_loses_nothing(
    broker: Broker, durable_peer: Peer
) -> None:
    people = [make_user(f"person{n}") for n in range(200)]
    tokens = [open_bearer_session(person, RequestOrigin()) for person in people]
    took: list[float] = []
    with running("relay_outbox", broker.url, **DURABLE):
        for number, token in enumerate(tokens):
            if number == 60:
                broker.stop()
            if number == 140:
                broker.start()
            with timed(took):
                answer = Client(headers={"Authorization": f"Bearer {token}"}).get("/auth/signout")
            assert answer.status_code == 200
        assert are_prompt(took), took
        until(lambda: not OutboxMessage.objects.exists(), seconds=60)
        until(lambda: len(set(durable_peer.heard)) == 200, seconds=60)
    heard = Counter(durable_peer.heard)
    assert set(heard) == {f"bearer {token}" for token in tokens}
    # At least once: only the batch in flight when the broker stopped may come again.
    assert sum(heard.values()) <= 200 + 100


def test_what_was_said_while_the_broker_was_away_waits_for_the_peers_to_bind_again(
    broker: Broker,
) -> None:
    """The exchange of the contracts is not durable: every binding goes with the broker."""
    with running("relay_outbox", broker.url):
        say("before")
        until(lambda: not OutboxMessage.objects.exists())
        broker.stop()
        say("while it was away")
        broker.start()
        until(lambda: is_declared(broker.url, "auth"), seconds=60)
        with closing(Peer(broker.url)) as back:
            until(lambda: back.heard)
    assert back.heard == ["while it was away"]


def test_what_waits_in_a_durable_queue_outlives_the_broker(broker: Broker) -> None:
    peer = partial(Peer, broker.url, exchange="auth-durable", durable=True, queue="keeps")
    with closing(peer()):
        pass
    with running("relay_outbox", broker.url, **DURABLE):
        say("nobody is listening")
        until(lambda: not OutboxMessage.objects.exists())
    broker.restart()
    with closing(peer()) as back:
        until(lambda: back.heard)
    assert back.heard == ["nobody is listening"]


def test_two_relays_send_each_message_once(durable_peer: Peer, broker: Broker) -> None:
    for number in range(500):
        say(str(number))
    relay = partial(running, "relay_outbox", broker.url, **DURABLE)
    with relay(), relay():
        until(lambda: len(durable_peer.heard) >= 500, seconds=60)
        until(lambda: not OutboxMessage.objects.exists())
    assert sorted(map(int, durable_peer.heard)) == list(range(500))
