"""What docker-compose.peers.yml lets other services do, and what not, on a real RabbitMQ."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError, ChannelClosedByBroker, ProbableAuthenticationError

from tests.deployment import compose
from tests.processes import ROOT
from tests.servers.rabbitmq import Broker, RabbitMQ

# Each start runs rabbitmqctl six times, and each of those takes seconds where the cores are busy.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FILE = ROOT / "docker-compose.peers.yml"
PASSWORD, FORMER_PASSWORD = secrets.token_hex(24), secrets.token_hex(24)
# Ours, which peers must not touch: the listener's queue, the workers', and the exchanges to them.
OURS = ("tintype-auth", "tintype")
USERS = "rabbit_auth_backend_internal"


def test_the_file_publishes_one_port_at_one_address_and_adds_one_closed_container() -> None:
    services = compose.raw(FILE)["services"]
    assert set(services) == {"rabbitmq", "peers", "relay"}
    assert services["rabbitmq"] == {
        "ports": ["${PEERS_ADDRESS:-127.0.0.1}:${PEERS_PORT:-5672}:5672"]
    }
    peers, broker = services["peers"], compose.raw()["services"]["rabbitmq"]
    for closed in ("image", "user", "read_only", "cap_drop", "security_opt"):
        assert peers[closed] == broker[closed]
    assert {"mem_limit", "pids_limit", "logging"} <= set(peers)
    assert all(volume.endswith(":ro") for volume in peers["volumes"])
    assert peers["environment"]["RABBITMQ_NODENAME"] == f"rabbit@{broker['hostname']}"


def test_compose_refuses_to_start_without_the_peers_password() -> None:
    with pytest.raises(KeyError, match="PEERS_PASSWORD"):
        compose.services({}, FILE)


def admit_peers(broker: RabbitMQ, password: str, **variables: str) -> str:
    """Run what the container of the file runs; return its output."""
    service = compose.services({"PEERS_PASSWORD": password, **variables}, FILE)["peers"]
    environment = {**service.environment}
    del environment["RABBITMQ_NODENAME"]  # this broker's
    assert "./deploy/peers.sh:/peers.sh:ro" in service.volumes
    command = [
        word.replace("/peers.sh", str(ROOT / "deploy" / "peers.sh")) for word in service.command
    ]
    finished = broker.run(command, **environment)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def first_rights(rabbitmq_server: Broker) -> Iterator[str]:
    """What the first start gave the peers: another password, another exchange."""
    assert isinstance(rabbitmq_server, RabbitMQ)
    rabbitmq_server.start()
    admit_peers(rabbitmq_server, FORMER_PASSWORD, AUTH_EXCHANGE="our.auth")
    rabbitmq_server.evaluate(f'{USERS}:set_tags(<<"peers">>, [administrator], <<"tests">>)')
    yield rabbitmq_server.control("list_user_permissions", "peers")
    rabbitmq_server.evaluate(
        f'{USERS}:delete_user(<<"peers">>, <<"tests">>)',
        'rabbit_policy:delete(<<"/">>, <<"peers">>, <<"tests">>)',
    )


@pytest.fixture(scope="module")
def broker(rabbitmq_server: RabbitMQ, first_rights: str) -> Iterator[RabbitMQ]:
    """A broker after the second start, with the file's defaults, and with what is ours on it."""
    assert PASSWORD not in admit_peers(rabbitmq_server, PASSWORD)
    with closing(connect(rabbitmq_server.url)) as ours:
        channel = ours.channel()
        channel.exchange_declare("auth", exchange_type="fanout")
        channel.exchange_declare("tintype", exchange_type="direct", durable=True)
        for queue in OURS:
            channel.queue_declare(queue, durable=True)
        channel.queue_bind("tintype-auth", "auth")
        yield rabbitmq_server
        for queue in OURS:
            channel.queue_delete(queue)
        channel.exchange_delete("tintype")


def connect(url: str) -> BlockingConnection:
    return BlockingConnection(pika.URLParameters(url))


def peers_url(broker: RabbitMQ, password: str, user: str = "peers") -> str:
    url = urlsplit(broker.url)
    return url._replace(netloc=f"{user}:{password}@{url.hostname}:{url.port}").geturl()


@pytest.fixture
def peer(broker: RabbitMQ) -> Iterator[BlockingChannel]:
    with closing(connect(peers_url(broker, PASSWORD))) as connection:
        yield connection.channel()


@pytest.fixture
def ours(broker: RabbitMQ) -> Iterator[BlockingChannel]:
    with closing(connect(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_purge("tintype-auth")
        yield channel


def read(channel: BlockingChannel, queue: str) -> Any:
    """Return the next message of a queue, waiting for it."""
    _, _, body = next(channel.consume(queue, auto_ack=True, inactivity_timeout=5))
    channel.cancel()
    return body


# The names of a durable queue, and of one that the broker names, as the originals declare it.
@pytest.mark.parametrize("queue", ["peers.catalog", ""])
def test_a_peer_hears_logouts_and_announces_its_own(
    peer: BlockingChannel, ours: BlockingChannel, queue: str
) -> None:
    peer.exchange_declare("auth", exchange_type="fanout", durable=False)
    name = peer.queue_declare(queue, durable=bool(queue), exclusive=not queue).method.queue
    peer.queue_bind(name, "auth")
    message = json.dumps({"type": "logout", "message": "bearer a.b.c"}).encode()
    ours.basic_publish("auth", "", message)
    assert read(peer, name) == read(ours, "tintype-auth") == message
    peer.confirm_delivery()
    peer.basic_publish("auth", "", b"a logout of the peer")
    assert read(ours, "tintype-auth") == b"a logout of the peer"
    peer.queue_unbind(name, "auth")
    peer.queue_delete(name)


def declare(queue: str, **arguments: str) -> Callable[[BlockingChannel], object]:
    named = {f"x-{name.replace('_', '-')}": value for name, value in arguments.items()}
    return lambda peer: peer.queue_declare(queue, arguments=named)


def publish(exchange: str, routing_key: str) -> Callable[[BlockingChannel], object]:
    def act(peer: BlockingChannel) -> None:
        peer.confirm_delivery()
        peer.basic_publish(exchange, routing_key, b"not for you")

    return act


REFUSED: dict[str, Callable[[BlockingChannel], object]] = {
    "read the listener's queue": lambda peer: peer.basic_get("tintype-auth"),
    "consume the listener's queue": lambda peer: peer.basic_consume("tintype-auth", print),
    "read the workers' queue": lambda peer: peer.basic_get("tintype"),
    "consume the workers' queue": lambda peer: peer.basic_consume("tintype", print),
    "empty our queue": lambda peer: peer.queue_purge("tintype-auth"),
    "delete our queue": lambda peer: peer.queue_delete("tintype-auth"),
    "unbind our queue": lambda peer: peer.queue_unbind("tintype-auth", "auth"),
    "bind our queue": lambda peer: peer.queue_bind("tintype", "auth"),
    "publish to a queue": publish("", "tintype"),
    "publish to an exchange": publish("tintype", "tintype"),
    "publish to a built-in exchange": publish("amq.fanout", ""),
    "bind to our exchange": lambda peer: (
        peer.queue_declare("peers.spy"),
        peer.queue_bind("peers.spy", "tintype", "tintype"),
    ),
    "bind to what traces": lambda peer: (
        peer.queue_declare("peers.spy"),
        peer.queue_bind("peers.spy", "amq.rabbitmq.trace", "#"),
    ),
    "dead letters into our queue": declare(
        "peers.bomb", dead_letter_exchange="", dead_letter_routing_key="tintype"
    ),
    "dead letters into our exchange": declare("peers.bomb", dead_letter_exchange="tintype"),
    "alternate exchange": lambda peer: peer.exchange_declare(
        "peers.bomb", arguments={"alternate-exchange": "tintype"}
    ),
    "feed our exchange": lambda peer: (
        peer.exchange_declare("peers.bomb"),
        peer.exchange_bind("tintype", "peers.bomb"),
    ),
    "a queue of another name": declare("tintype-auth2"),
    "a queue that only ends like its own": declare("xpeers.catalog"),
    "a queue without the dot": declare("peersXcatalog"),
    "an exchange of another name": lambda peer: peer.exchange_declare("auth2"),
    "the exchange of the start before": lambda peer: peer.exchange_declare("our.auth"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_peer_may_do_nothing_else(
    peer: BlockingChannel, ours: BlockingChannel, what: str
) -> None:
    with pytest.raises(ChannelClosedByBroker) as refused:
        REFUSED[what](peer)
    assert refused.value.reply_code == 403
    for queue in OURS:
        assert ours.queue_declare(queue, passive=True).method.message_count == 0
    for leftover in ("peers.spy", "peers.bomb"):
        with suppress(AMQPError):
            ours.queue_delete(leftover)
            ours.exchange_delete(leftover)


def test_another_start_renews_password_and_rights(broker: RabbitMQ) -> None:
    with pytest.raises(ProbableAuthenticationError):
        connect(peers_url(broker, FORMER_PASSWORD))
    assert "peers\t[]" in broker.control("list_users")


def test_a_dot_in_a_name_is_only_a_dot(first_rights: str) -> None:
    rights = r"^(our\.auth|peers\..+|amq\.gen-.+)$"
    # rabbitmqctl writes a backslash twice.
    assert first_rights.replace("\\\\", "\\").splitlines()[-1].split("\t") == ["/", *[rights] * 3]


def test_names_that_would_widen_the_rights_are_refused(rabbitmq_server: RabbitMQ) -> None:
    for variables in ({"PEERS_USER": "peers|.*"}, {"AUTH_EXCHANGE": ".*"}):
        with pytest.raises(AssertionError, match="letters, digits"):
            admit_peers(rabbitmq_server, PASSWORD, **variables)


def test_the_queue_of_a_peer_that_is_away_is_bounded(
    broker: RabbitMQ, peer: BlockingChannel
) -> None:
    peer.queue_declare("peers.away", durable=True)
    try:
        queues = broker.control("list_queues", "name", "policy").splitlines()
        assert "peers.away\tpeers" in queues
        assert "tintype-auth\t" in queues
        policies = broker.control("list_policies")
        assert '"max-length-bytes":67108864' in policies
        assert '"expires":1209600000' in policies
    finally:
        peer.queue_delete("peers.away")
