"""Batches of the outbox: what is sent, in which order, and which rows go."""

import pytest
from pika.exceptions import AMQPError
from pytest_django import Settings

from notifications.logouts import relay
from notifications.logouts.relay import PROPERTIES, send_batch
from notifications.models import OutboxMessage
from tests.parallel import run_in_parallel

pytestmark = pytest.mark.django_db


class Channel:
    """The broker's end of a channel, in pika's words: what it confirmed."""

    def __init__(self, *, refuses_after: int | None = None) -> None:
        self.published: list[tuple[str, str, bytes]] = []
        self.properties: list[object] = []
        self._refuses_after = refuses_after

    def basic_publish(
        self, exchange: str, routing_key: str, body: bytes, properties: object
    ) -> None:
        if len(self.published) == self._refuses_after:
            raise AMQPError
        self.published.append((exchange, routing_key, body))
        self.properties.append(properties)


def write(*bodies: str) -> None:
    for body in bodies:
        OutboxMessage.objects.create(body=body)


def waiting() -> list[str]:
    return list(OutboxMessage.objects.order_by("pk").values_list("body", flat=True))


def test_messages_are_sent_in_their_order_and_their_rows_go(settings: Settings) -> None:
    settings.AUTH_EXCHANGE = "sign-outs"
    write("b", "a", "ñ")
    channel = Channel()
    assert send_batch(channel) == 3
    assert channel.published == [("sign-outs", "", body.encode()) for body in ("b", "a", "ñ")]
    assert channel.properties == [PROPERTIES] * 3
    assert (PROPERTIES.delivery_mode, PROPERTIES.content_type) == (2, "application/json")
    assert waiting() == []
    assert send_batch(channel) == 0
    assert len(channel.published) == 3


def test_a_batch_leaves_what_is_beyond_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "BATCH_SIZE", 2)
    write(*"abcde")
    channel = Channel()
    for sent, left in ((2, "cde"), (2, "e"), (1, ""), (0, "")):
        assert send_batch(channel) == sent
        assert waiting() == list(left)
    assert [body for _, _, body in channel.published] == [b"a", b"b", b"c", b"d", b"e"]


def test_a_broker_that_goes_away_within_a_batch_leaves_every_row() -> None:
    """Those that it confirmed are sent a second time: at least once, never less."""
    write(*"abc")
    with pytest.raises(AMQPError):
        send_batch(Channel(refuses_after=1))
    assert waiting() == ["a", "b", "c"]
    channel = Channel()
    assert send_batch(channel) == 3
    assert waiting() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_rows_that_another_relay_sends_are_left_to_it() -> None:
    write(*"ab")
    mine, other = Channel(), Channel()
    sent: list[int] = []

    class Slow(Channel):
        def basic_publish(
            self, exchange: str, routing_key: str, body: bytes, properties: object
        ) -> None:
            if not sent:
                sent.append(0)
                sent.extend(run_in_parallel([lambda: send_batch(other)]))
            mine.basic_publish(exchange, routing_key, body, properties)

    assert send_batch(Slow()) == 2
    assert sent == [0, 0]
    assert (len(mine.published), other.published, waiting()) == (2, [], [])
