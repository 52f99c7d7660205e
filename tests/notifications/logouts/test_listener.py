"""The listener against a real RabbitMQ, through its outages."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from uuid import uuid4

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from notifications.logouts.broker import MAX_RETRY_DELAY
from notifications.logouts.relay import REBIND_SECONDS
from notifications.models import Heartbeat
from tests.clients import Client
from tests.factories import bearer_client
from tests.notifications.logouts.commands import running
from tests.notifications.logouts.peers import Peer, until
from tests.servers.loaded_python import LoadedProcess
from tests.servers.rabbitmq import Broker
from tests.waiting import are_prompt, record_duration

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.rabbitmq,
    pytest.mark.slow,
    pytest.mark.timeout(180),
]


@pytest.fixture
def channel(broker: Broker) -> Iterator[Callable[[], BlockingChannel]]:
    """A function that opens a channel, to be called again after a restart."""
    made = []

    def open_channel() -> BlockingChannel:
        made.append(pika.BlockingConnection(pika.URLParameters(broker.url)))
        return made[-1].channel()

    yield open_channel
    for each in made:
        if each.is_open:
            each.close()


@pytest.fixture
def queue(channel: Callable[[], BlockingChannel]) -> Iterator[str]:
    """The name of the listener's queue, deleted after the test."""
    name = f"ours-{uuid4()}"
    yield name
    channel().queue_delete(name)


@pytest.fixture
def listener(broker: Broker, queue: str) -> Callable[[], AbstractContextManager[LoadedProcess]]:
    return partial(running, "consume_auth_events", broker.url, AUTH_QUEUE=queue)


def is_signed_out(client: Client) -> bool:
    return client.get("/auth/currentUser").status_code == 401


def test_a_peers_logout_ends_a_session_here_within_a_second(
    alice: User,
    peer: Peer,
    channel: Callable[[], BlockingChannel],
    queue: str,
    listener: Callable[[], AbstractContextManager[LoadedProcess]],
) -> None:
    """Readiness shows whether the listener is connected; a deleted queue is declared again."""
    # Results of /readyz are reused for a second.
    until(lambda: "auth-events" in missing_parts())
    took: list[float] = []
    with listener():
        until(Heartbeat.objects.exists)
        until(lambda: "auth-events" not in missing_parts())
        for form in ("bearer {token}", "{token_id}") * 3:
            token = open_bearer_session(alice, RequestOrigin())
            token_id = Session.objects.latest("created_at").pk
            client = Client(headers={"Authorization": f"Bearer {token}"})
            assert client.get("/auth/currentUser").status_code == 200
            peer.send_logout(form.format(token=token, token_id=token_id))
            with record_duration(took):
                until(partial(is_signed_out, client))
        assert are_prompt(took), took

        channel().queue_delete(queue)
        until(lambda: queue_exists(channel(), queue))
        client = bearer_client(alice)
        token_id = Session.objects.latest("created_at").pk

        def send_and_check() -> bool:
            peer.send_logout(str(token_id))
            return is_signed_out(client)

        until(send_and_check)


def missing_parts() -> list[str]:
    found: list[str] = Client().get("/readyz").json()["missing"]
    return found


def queue_exists(channel: BlockingChannel, queue: str) -> bool:
    try:
        channel.queue_declare(queue, passive=True)
    except pika.exceptions.ChannelClosedByBroker:
        return False
    return True


def test_the_listener_retries_sooner_than_the_relay_publishes() -> None:
    assert MAX_RETRY_DELAY < REBIND_SECONDS - 2


def test_a_listener_that_is_killed_loses_no_message(
    alice: User, peer: Peer, listener: Callable[[], AbstractContextManager[LoadedProcess]]
) -> None:
    tokens = [open_bearer_session(alice, RequestOrigin()) for _ in range(120)]
    with listener() as victim:
        until(Heartbeat.objects.exists)
        for token in tokens:
            peer.send_logout(f"bearer {token}")
        until(lambda: Session.objects.live().count() < 115)
        victim.kill()
        victim.wait()
    with listener():
        until(lambda: not Session.objects.live().exists())


@pytest.mark.nightly
def test_the_listener_survives_a_broker_restart_and_malformed_messages(
    alice: User,
    peer: Peer,
    broker: Broker,
    listener: Callable[[], AbstractContextManager[LoadedProcess]],
) -> None:
    with listener() as process:
        until(Heartbeat.objects.exists)
        broker.restart()
        until(peer.listening.is_set)
        peer.send_logout("poison " * 10_000)
        client = bearer_client(alice)
        token_id = str(Session.objects.get().pk)

        def send_and_check() -> bool:
            # The exchange disappeared with the broker: until the listener has bound again, messages
            # reach nobody.
            peer.send_logout(token_id)
            time.sleep(0.2)
            return client.get("/auth/currentUser").status_code == 401

        until(send_and_check)
        assert process.poll() is None


def test_the_listener_writes_heartbeats_and_stops_while_messages_keep_coming(
    channel: Callable[[], BlockingChannel],
    queue: str,
    listener: Callable[[], AbstractContextManager[LoadedProcess]],
) -> None:
    backlog = channel()
    backlog.queue_declare(queue, durable=True)
    for _ in range(20_000):
        backlog.basic_publish(
            "", queue, json.dumps({"type": "logout", "message": str(uuid4())}).encode()
        )
    with listener():
        until(Heartbeat.objects.exists)
    assert backlog.queue_declare(queue, passive=True).method.message_count > 0
