"""The fan-out against a real RabbitMQ: every way, both ways, and through every death."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import partial
from uuid import uuid4

import pika
import pytest
from django.db import connection

from accounts.clients import Client as Caller
from accounts.models import Session
from accounts.services import disable, set_password
from accounts.sessions import end_all, open_bearer
from notifications.models import Heartbeat, OutboxMessage
from notifications.relay import relay_until
from notifications.stopping import Stop
from tests import waiting
from tests.clients import Client
from tests.factories import bearer_client, make_user
from tests.notifications.commands import running, started
from tests.waiting import are_prompt, timed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.rabbitmq,
    pytest.mark.slow,
    pytest.mark.timeout(180),
]


class Peer:
    """Another service of the exchange, as those in the field are: it declares, binds, listens."""

    def __init__(
        self, url: str, *, exchange: str = "auth", durable: bool = False, queue: str = ""
    ) -> None:
        self.url = url
        self._exchange, self._durable = exchange, durable
        self._queue = queue or f"a-peer-{uuid4()}"
        self.heard: list[str] = []
        self.listening = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self.listening.wait(20)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except (pika.exceptions.AMQPError, OSError):
                self.listening.clear()
                time.sleep(0.1)

    def _listen(self) -> None:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as broker:
            channel = broker.channel()
            channel.exchange_declare(self._exchange, exchange_type="fanout", durable=self._durable)
            channel.queue_declare(self._queue, durable=True)
            channel.queue_bind(self._queue, self._exchange)
            channel.basic_consume(self._queue, self._hear)
            self.listening.set()
            while not self._stop.is_set():
                broker.process_data_events(time_limit=0.1)

    def _hear(self, channel, method, properties, body) -> None:
        message = json.loads(body)
        assert message["type"] == "logout"
        self.heard.append(message["message"])
        channel.basic_ack(method.delivery_tag)

    def say(self, message: str) -> None:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as broker:
            body = json.dumps({"type": "logout", "message": message})
            broker.channel().basic_publish(self._exchange, "", body.encode())

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)


@pytest.fixture
def broker(rabbitmq_server, settings):
    rabbitmq_server.start()
    settings.AMQP_URL = rabbitmq_server.url
    yield rabbitmq_server
    rabbitmq_server.start()


@pytest.fixture
def peer(broker):
    made = Peer(broker.url)
    yield made
    made.close()


@pytest.fixture
def relay(broker):
    """The relay's own loop, in a thread of this process."""
    stop = Stop()

    def run():
        relay_until(stop)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


def until(happened: Callable[[], object], seconds: float = 20) -> None:
    waiting.until(happened, seconds, lambda: "it did not happen")


def say(message: str) -> None:
    OutboxMessage.objects.create(body=json.dumps({"type": "logout", "message": message}))


def is_declared(url: str, exchange: str) -> bool:
    with pika.BlockingConnection(pika.URLParameters(url)) as connected:
        try:
            connected.channel().exchange_declare(exchange, passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            return False
    return True


def is_signed_out(client: Client) -> bool:
    return client.get("/auth/currentUser").status_code == 401


@pytest.mark.parametrize("way", ["signout", "jwt-logout", "password", "disable", "end all"])
def test_a_peer_hears_of_every_way_to_end_a_session(alice, peer, relay, way):
    token = open_bearer(alice, Caller())
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
        end_all(alice)
    until(lambda: peer.heard)
    assert peer.heard == [expected]
    until(lambda: not OutboxMessage.objects.exists())


def test_a_peers_logout_ends_a_session_here_within_a_second(alice, peer, broker):
    took: list[float] = []
    with running("consume_auth_events", broker.url):
        until(Heartbeat.objects.exists)
        for form in ("bearer {token}", "{token_id}") * 3:
            token = open_bearer(alice, Caller())
            token_id = Session.objects.latest("created_at").pk
            client = Client(headers={"Authorization": f"Bearer {token}"})
            assert client.get("/auth/currentUser").status_code == 200
            peer.say(form.format(token=token, token_id=token_id))
            with timed(took):
                until(partial(is_signed_out, client))
    assert are_prompt(took), took


def missing_parts() -> list[str]:
    found: list[str] = Client().get("/readyz").json()["missing"]
    return found


def test_readiness_shows_whether_the_listener_is_connected(broker):
    # An answer is kept for a second.
    until(lambda: "auth-events" in missing_parts())
    with running("consume_auth_events", broker.url):
        until(lambda: "auth-events" not in missing_parts())


def test_a_broker_that_is_away_neither_fails_nor_slows_a_sign_out_and_loses_nothing(broker):
    """Where all agree on a durable exchange, whose bindings are still there afterwards."""
    people = [make_user(f"person{n}") for n in range(200)]
    tokens = [open_bearer(person, Caller()) for person in people]
    durable = {"AUTH_EXCHANGE": "auth-durable", "AUTH_EXCHANGE_DURABLE": "on"}
    peer = Peer(broker.url, exchange="auth-durable", durable=True)
    took: list[float] = []
    with closing(peer), running("relay_outbox", broker.url, **durable):
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
        until(lambda: len(set(peer.heard)) == 200, seconds=60)
    heard = Counter(peer.heard)
    assert set(heard) == {f"bearer {token}" for token in tokens}
    # At least once: only the batch in flight when the broker stopped may come again.
    assert sum(heard.values()) <= 200 + 100


def test_what_was_said_while_the_broker_was_away_waits_for_the_peers_to_bind_again(broker):
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


def test_what_waits_in_a_durable_queue_outlives_the_broker(broker):
    with closing(Peer(broker.url, queue="keeps")):
        pass
    with running("relay_outbox", broker.url):
        say("nobody is listening")
        until(lambda: not OutboxMessage.objects.exists())
    broker.restart()
    with closing(Peer(broker.url, queue="keeps")) as back:
        until(lambda: back.heard)
    assert back.heard == ["nobody is listening"]


def test_two_relays_send_each_message_once(alice, peer, broker):
    for number in range(500):
        say(str(number))
    with running("relay_outbox", broker.url), running("relay_outbox", broker.url):
        until(lambda: len(peer.heard) >= 500)
        until(lambda: not OutboxMessage.objects.exists())
    assert sorted(map(int, peer.heard)) == list(range(500))


def test_a_listener_killed_in_the_middle_loses_nothing(alice, peer, broker):
    tokens = [open_bearer(alice, Caller()) for _ in range(120)]
    with running("consume_auth_events", broker.url):
        until(Heartbeat.objects.exists)
    Heartbeat.objects.all().delete()
    victim = started("consume_auth_events", broker.url)
    until(Heartbeat.objects.exists)
    for token in tokens:
        peer.say(f"bearer {token}")
    until(lambda: Session.objects.live().count() < 115)
    victim.kill()
    victim.wait()
    Heartbeat.objects.all().delete()
    with running("consume_auth_events", broker.url):
        until(Heartbeat.objects.exists)
        until(lambda: not Session.objects.live().exists())


def test_the_listener_comes_back_after_the_broker_and_survives_poison(alice, peer, broker):
    with running("consume_auth_events", broker.url) as process:
        until(Heartbeat.objects.exists)
        broker.restart()
        until(peer.listening.is_set)
        peer.say("poison " * 10_000)
        client = bearer_client(alice)
        token_id = str(Session.objects.get().pk)

        def said_and_heard() -> bool:
            # The exchange vanished with the broker: until the listener has bound again, a message
            # goes to nobody.
            peer.say(token_id)
            time.sleep(0.2)
            return client.get("/auth/currentUser").status_code == 401

        until(said_and_heard)
        assert process.poll() is None
