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
from tests.waiting import are_prompt, record_duration

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.rabbitmq,
    pytest.mark.slow,
    pytest.mark.timeout(180),
]


# How clients spell the scheme, and so how peers may know a token.
SCHEMES = ("bearer", "Bearer")
# A durable exchange keeps its bindings through an outage.
DURABLE = {"AUTH_EXCHANGE": "auth-durable", "AUTH_EXCHANGE_DURABLE": "on"}


@pytest.fixture
def durable_peer(broker: Broker) -> Iterator[Peer]:
    with closing(Peer(broker.url, exchange="auth-durable", durable=True)) as made:
        yield made


@pytest.fixture
def relay(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the relay in a thread of this process, without waiting for peers to bind."""
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


def write_logout(message: str) -> None:
    OutboxMessage.objects.create(body=json.dumps({"type": "logout", "message": message}))


def is_declared(url: str, exchange: str) -> bool:
    with pika.BlockingConnection(pika.URLParameters(url)) as connected:
        try:
            connected.channel().exchange_declare(exchange, passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            return False
    return True


@pytest.mark.parametrize("way", ["signout", "jwt-logout", "password", "disable", "end all"])
def test_a_peer_receives_a_message_for_every_way_to_end_a_session(
    alice: User, peer: Peer, relay: None, way: str
) -> None:
    token = open_bearer_session(alice, RequestOrigin())
    client = Client(headers={"Authorization": f"Bearer {token}"})
    token_id = str(Session.objects.get().pk)
    expected = [token_id]
    if way == "signout":
        client.get("/auth/signout")
        expected = [f"Bearer {token}", f"bearer {token}"]
    elif way == "jwt-logout":
        client.post("/api/user/jwt-logout/")
        expected = [f"Bearer {token}", f"bearer {token}"]
    elif way == "password":
        set_password(alice, "another good one")
    elif way == "disable":
        disable(alice)
    else:
        Session.objects.of(alice).end()
    until(lambda: len(peer.received) == len(expected))
    assert peer.received == expected
    until(lambda: not OutboxMessage.objects.exists())


def test_an_unavailable_broker_neither_fails_nor_slows_a_sign_out_and_loses_no_message(
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
            with record_duration(took):
                answer = Client(headers={"Authorization": f"Bearer {token}"}).get("/auth/signout")
            assert answer.status_code == 200
        assert are_prompt(took), took
        until(lambda: not OutboxMessage.objects.exists(), seconds=60)
        until(lambda: len(set(durable_peer.received)) == 400, seconds=60)
    received = Counter(durable_peer.received)
    assert set(received) == {f"{scheme} {token}" for token in tokens for scheme in SCHEMES}
    # At least once: only the batch in flight when the broker stopped may come again.
    assert sum(received.values()) <= 400 + 100


def test_messages_written_during_an_outage_wait_until_peers_have_bound_again(
    broker: Broker,
) -> None:
    """The exchange is not durable, so every binding disappears with the broker."""
    with running("relay_outbox", broker.url):
        write_logout("before")
        until(lambda: not OutboxMessage.objects.exists())
        broker.stop()
        write_logout("while it was away")
        broker.start()
        until(lambda: is_declared(broker.url, "auth"), seconds=60)
        with closing(Peer(broker.url)) as back:
            until(lambda: back.received)
    assert back.received == ["while it was away"]


def test_messages_in_a_durable_queue_survive_a_broker_restart(broker: Broker) -> None:
    peer = partial(Peer, broker.url, exchange="auth-durable", durable=True, queue="keeps")
    with closing(peer()):
        pass
    with running("relay_outbox", broker.url, **DURABLE):
        write_logout("nobody is listening")
        until(lambda: not OutboxMessage.objects.exists())
    broker.restart()
    with closing(peer()) as back:
        until(lambda: back.received)
    assert back.received == ["nobody is listening"]


def test_two_relays_send_each_message_once(durable_peer: Peer, broker: Broker) -> None:
    for number in range(500):
        write_logout(str(number))
    relay = partial(running, "relay_outbox", broker.url, **DURABLE)
    with relay(), relay():
        until(lambda: len(durable_peer.received) >= 500, seconds=60)
        until(lambda: not OutboxMessage.objects.exists())
    assert sorted(map(int, durable_peer.received)) == list(range(500))
