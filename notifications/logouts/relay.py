"""From the outbox to the exchange: at least once, in order, whatever dies in between."""

from contextlib import AbstractContextManager, nullcontext

import pika
from django.conf import settings
from django.db import connection, transaction
from pika.adapters.blocking_connection import BlockingChannel
from pika.delivery_mode import DeliveryMode

from lib.backoff import ExponentialBackoff
from notifications.logouts.broker import connect, declare_exchange, keep_working
from notifications.logouts.long_running import Stop
from notifications.models import OutboxMessage

AT_ONCE = 100
# Short, since a logout should reach everyone within a second; an empty look is one indexed query.
LOOK_EVERY = 0.1
# The bindings of an exchange that is not durable vanish with a broker that restarts, and a peer
# that looks for it again every five seconds, as many do, has to be given that long.
REBIND_SECONDS = 6.0
# Persistent: what waits in a durable queue outlives the broker.
PROPERTIES = pika.BasicProperties(
    content_type="application/json", delivery_mode=DeliveryMode.Persistent.value
)


def relay_until(stop: Stop) -> None:
    """Send what is written and what will be, until told to stop; outlives broker and database."""
    keep_working(_relay, stop)


def _relay(stop: Stop, backoff: ExponentialBackoff) -> None:
    with connect() as broker:
        channel = broker.channel()
        channel.confirm_delivery()
        declare_exchange(channel)
        stop.wait(0 if settings.AUTH_EXCHANGE_DURABLE else REBIND_SECONDS)
        backoff.reset()
        _send_all(channel, stop)


def _send_all(channel: BlockingChannel, stop: Stop) -> None:
    while not stop.is_set():
        if not send_batch(channel):
            # Answers heartbeats, and notices a broker that closed the connection.
            channel.connection.process_data_events(time_limit=LOOK_EVERY)


def send_batch(channel: BlockingChannel) -> int:
    """Publish a batch, each confirmed, and delete the rows; returns how many.

    Rows that another relay holds are passed over. A death between confirmation and commit sends a
    message again.
    """
    with _held():
        batch = OutboxMessage.objects.select_for_update(skip_locked=True).order_by("pk")[:AT_ONCE]
        messages = list(batch)
        for message in messages:
            _publish(channel, message)
        OutboxMessage.objects.filter(pk__in=[message.pk for message in messages]).delete()
    return len(messages)


def _held() -> AbstractContextManager[object]:
    """Hold rows, where a database can; SQLite would hold up every writer until the broker answers.

    There two relays may send a message twice.
    """
    return transaction.atomic() if connection.features.has_select_for_update else nullcontext()


def _publish(channel: BlockingChannel, message: OutboxMessage) -> None:
    channel.basic_publish(
        settings.AUTH_EXCHANGE,
        routing_key="",
        body=message.body.encode(),
        properties=PROPERTIES,
    )
