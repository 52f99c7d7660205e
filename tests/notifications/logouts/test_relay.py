"""The relay against a real RabbitMQ: every way to end a session, and through every outage."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from uuid import uuid4

import pika
import pytest
from django.db import connection

from accounts.cookies import access_cookie
from accounts.models import Session, User
from accounts.request_origin import RequestOrigin
from accounts.sessions import open_bearer_session
from notifications.logouts import relay as relaying
from notifications.logouts.long_running import Stop
from notifications.models import Heartbeat, OutboxMessage
from tests import waiting
from tests.clients import Client
from tests.factories import PASSWORD, bearer_client, make_user, token_client
from tests.notifications.logouts.commands import running
from tests.notifications.logouts.peers import CachingPeer, Peer, until
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


def sign_out(user: User, client: Client) -> None:
    assert client.get("/auth/signout").status_code == 200


def log_out(user: User, client: Client) -> None:
    assert client.post("/api/user/jwt-logout/").status_code == 204


def change_password(user: User, client: Client) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": "another good one"}
    other = bearer_client(user)
    assert other.post("/auth/password", body, "application/json").status_code == 200


def disable_in_admin(user: User, client: Client) -> None:
    form = {"username": user.username, "tier": str(user.tier_id)}
    assert make_admin().post(f"/admin/accounts/user/{user.pk}/change/", form).status_code == 302


def end_in_admin(user: User, client: Client) -> None:
    chosen = [str(each.pk) for each in Session.objects.of(user)]
    form = {"action": "end", "_selected_action": chosen}
    assert make_admin().post("/admin/accounts/session/", form).status_code == 302


def delete_in_admin(user: User, client: Client) -> None:
    form = {"post": "yes"}
    assert make_admin().post(f"/admin/accounts/user/{user.pk}/delete/", form).status_code == 302


def make_admin() -> Client:
    client = Client()
    client.force_login(User.objects.get(username="staff"))
    return client


# How the client sends its token to this service; None: as a cookie.
SCHEMES_SENT = ["Bearer {}", "bearer {}", "BEARER {}", "{}", None]
SIGN_OUTS = [sign_out, log_out]
OTHER_ENDS = [change_password, disable_in_admin, end_in_admin, delete_in_admin]


def start_client(user: User, scheme: str | None) -> tuple[Client, str]:
    """Return a client that has signed in, and the Authorization header that it sends to peers."""
    if scheme is None:
        client, body = Client(), {"username": user.username, "password": PASSWORD}
        response = client.post("/api/user/jwt-login/", body, "application/json")
        return client, f"Bearer {response.cookies[access_cookie()].value}"
    header = scheme.format(open_bearer_session(user, RequestOrigin()))
    return Client(headers={"Authorization": header}), header


def is_forgotten(peers: list[CachingPeer], header: str) -> bool:
    return not any(peer.accepts(header) for peer in peers)


def test_no_peer_accepts_the_token_of_a_session_that_has_ended(
    broker: Broker, staff: User, relay: None
) -> None:
    """Three originals: one knows tokens by the whole header, the others by one spelling of it.

    This service's own listener hears every announcement too, and makes nothing more of it.
    """
    spellings: list[Callable[[str], str]] = [
        lambda header: header,
        lambda header: f"bearer {header.split()[-1]}",
        lambda header: f"Bearer {header.split()[-1]}",
    ]
    rounds = [(scheme, end) for scheme in SCHEMES_SENT for end in SIGN_OUTS]
    # Ended without its token, a session is announced in the two spellings that clients use.
    rounds += [(scheme, end) for scheme in ("Bearer {}", "bearer {}", None) for end in OTHER_ENDS]
    queue = f"ours-{uuid4()}"
    with ExitStack() as stack:
        stack.enter_context(running("consume_auth_events", broker.url, AUTH_QUEUE=queue))
        until(Heartbeat.objects.exists)
        peers = [stack.enter_context(closing(CachingPeer(broker.url, s))) for s in spellings]
        for number, (scheme, end) in enumerate(rounds):
            user = make_user(f"person{number}")
            client, header = start_client(user, scheme)
            for peer in peers:
                assert Client(headers={"Authorization": header}).get("/auth/currentUser").json()
                peer.let_in(header)
            assert all(peer.accepts(header) for peer in peers)
            end(user, client)
            waiting.until(
                partial(is_forgotten, peers, header),
                20,
                partial("{} by {}".format, end.__name__, scheme),
            )
        until(lambda: not OutboxMessage.objects.exists())
        ended = set(Session.objects.values_list("pk", "ended_at"))
        announced = [list(peer.received) for peer in peers]
        probe = open_bearer_session(staff, RequestOrigin())
        peers[0].send_logout(probe)
        # Messages are handled in their order, so all before this one were.
        until(lambda: Session.objects.of(staff).get().ended_at)
        assert ended <= set(Session.objects.values_list("pk", "ended_at"))
        assert not OutboxMessage.objects.exists()
        until(lambda: all(peer.received[-1] == probe for peer in peers))
        assert [peer.received[:-1] for peer in peers] == announced
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connected:
        connected.channel().queue_delete(queue)


def test_an_api_token_never_leaves_in_clear(alice: User, peer: Peer, relay: None) -> None:
    client = token_client(alice)
    token_id = str(Session.objects.get().pk)
    client.get("/auth/signout")
    until(lambda: peer.received)
    assert peer.received == [token_id]


def test_an_unavailable_broker_neither_fails_nor_slows_a_sign_out_and_loses_no_message(
    broker: Broker, durable_peer: Peer
) -> None:
    people = [make_user(f"person{n}") for n in range(80)]
    tokens = [open_bearer_session(person, RequestOrigin()) for person in people]
    took: list[float] = []
    with running("relay_outbox", broker.url, **DURABLE):
        for number, token in enumerate(tokens):
            if number == 25:
                broker.stop()
            if number == 55:
                broker.start()
            with record_duration(took):
                answer = Client(headers={"Authorization": f"Bearer {token}"}).get("/auth/signout")
            assert answer.status_code == 200
        assert are_prompt(took), took
        until(lambda: not OutboxMessage.objects.exists(), seconds=60)
        until(lambda: len(set(durable_peer.received)) == 160, seconds=60)
    received = Counter(durable_peer.received)
    assert set(received) == {f"{scheme} {token}" for token in tokens for scheme in SCHEMES}
    # At least once: only the batch in flight when the broker stopped may come again.
    assert sum(received.values()) <= 160 + 100


@pytest.mark.nightly
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


@pytest.mark.nightly
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


@pytest.mark.nightly
def test_two_relays_send_each_message_once(durable_peer: Peer, broker: Broker) -> None:
    for number in range(500):
        write_logout(str(number))
    relay = partial(running, "relay_outbox", broker.url, **DURABLE)
    with relay(), relay():
        until(lambda: len(durable_peer.received) >= 500, seconds=60)
        until(lambda: not OutboxMessage.objects.exists())
    assert sorted(map(int, durable_peer.received)) == list(range(500))
