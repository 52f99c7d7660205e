"""Publishes the outbox to the exchange: at least once, in order, even if a process is killed."""

from contextlib import AbstractContextManager, nullcontext

import pika
from django.conf import settings
from django.db import connection, transaction
from pika.adapters.blocking_connection import BlockingChannel
from pika.delivery_mode import DeliveryMode

from lib.backoff import ExponentialBackoff
from notifications.logouts.broker import connect, declare_exchange, run_until_stopped
from notifications.logouts.long_running import Stop
from notifications.models import OutboxMessage

BATCH_SIZE = 100
# Short, since a logout should reach every service within a second; an empty poll is one indexed
# query.
POLL_INTERVAL = 0.1
# The bindings of a non-durable exchange disappear when the broker restarts, and many peers retry
# every five seconds; messages that are sent before they have bound again would be lost.
REBIND_SECONDS = 6.0
# Persistent: messages in a durable queue survive a restart of the broker.
PROPERTIES = pika.BasicProperties(
    content_type="application/json", delivery_mode=DeliveryMode.Persistent.value
)


def relay_until(stop: Stop) -> None:
    """Publish the outbox until stopped, through outages of the broker and the database."""
    run_until_stopped(_relay, stop)


def _relay(stop: Stop, backoff: ExponentialBackoff) -> None:
    with connect() as broker:
        channel = broker.channel()
        channel.confirm_delivery()
        declare_exchange(channel)
        stop.wait(0 if settings.AUTH_EXCHANGE_DURABLE else REBIND_SECONDS)
        backoff.reset()
        _send_until_stopped(channel, stop)


def _send_until_stopped(channel: BlockingChannel, stop: Stop) -> None:
    while not stop.is_set():
        if not send_batch(channel):
            # Answers the broker's heartbeats, and raises when the broker closed the connection.
            channel.connection.process_data_events(time_limit=POLL_INTERVAL)


def send_batch(channel: BlockingChannel) -> int:
    """Publish a batch, wait for each confirmation, and delete the rows; return how many.

    Rows that another relay has locked are skipped. A process that is killed between confirmation
    and commit leaves messages that are sent a second time.
    """
    with _lock_rows():
        batch = OutboxMessage.objects.select_for_update(skip_locked=True).order_by("pk")[
            :BATCH_SIZE
        ]
        messages = list(batch)
        for message in messages:
            _publish(channel, message)
        OutboxMessage.objects.filter(pk__in=[message.pk for message in messages]).delete()
    return len(messages)


def _lock_rows() -> AbstractContextManager[object]:
    """Open a transaction where the database locks rows.

    On SQLite it would block every other writer until the broker answers, so there is none: two
    relays may each send a message there.
    """
    return transaction.atomic() if connection.features.has_select_for_update else nullcontext()


def _publish(channel: BlockingChannel, message: OutboxMessage) -> None:
    channel.basic_publish(
        settings.AUTH_EXCHANGE,
        routing_key="",
        body=message.body.encode(),
        properties=PROPERTIES,
    )
