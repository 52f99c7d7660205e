"""Consumes logouts from the exchange: acknowledges after the commit, survives any message.

What the broker has sent meanwhile is handled together, with a few queries and commits, so that
thousands of logouts that name nothing here delay the next by a second, not by minutes.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from pika.adapters.blocking_connection import BlockingChannel

from lib.backoff import ExponentialBackoff
from notifications.logouts.broker import (
    bind_queue,
    connect,
    declare_exchange,
    run_until_stopped,
)
from notifications.logouts.long_running import Stop
from notifications.logouts.messages import handle_messages
from notifications.models import Heartbeat

logger = logging.getLogger(__name__)
# Messages that the broker delivers before the first of them is acknowledged, and that are handled
# together.
BATCH_SIZE = 500
HEARTBEAT_INTERVAL = 5
POLL_INTERVAL = 0.5


class Delivery(NamedTuple):
    """A message, and what the broker calls it until it is acknowledged."""

    tag: int
    body: bytes


def listen_until(stop: Stop) -> None:
    """Handle messages until stopped, through outages of the broker and the database.

    While the database is unavailable the connection closes with the message unacknowledged, and
    the broker keeps the message.
    """
    run_until_stopped(_listen, stop)


def _listen(stop: Stop, backoff: ExponentialBackoff) -> None:
    """Return when stopped, and when the broker deletes the queue."""
    with connect() as broker:
        channel = broker.channel()
        declare_exchange(channel)
        bind_queue(channel)
        channel.basic_qos(prefetch_count=BATCH_SIZE)
        heartbeat = _PeriodicHeartbeat()
        deliveries = channel.consume(settings.AUTH_QUEUE, inactivity_timeout=POLL_INTERVAL)
        for method, _, body in deliveries:
            if method:
                first = Delivery(method.delivery_tag, body or b"")
                _handle_batch(channel, [first, *_waiting(channel, deliveries)])
            if stop.is_set():
                return
            if heartbeat.write_if_due():
                backoff.reset()


class _PeriodicHeartbeat:
    """Writes the row by which readiness knows that this process listens."""

    def __init__(self) -> None:
        self._next = 0.0

    def write_if_due(self) -> bool:
        """Write the heartbeat, at most once per HEARTBEAT_INTERVAL; tell whether it was written."""
        if time.monotonic() < self._next:
            return False
        Heartbeat.objects.update_or_create(name=Heartbeat.LISTENER, defaults={"at": timezone.now()})
        self._next = time.monotonic() + HEARTBEAT_INTERVAL
        return True


def _waiting(channel: BlockingChannel, deliveries: Iterator[Any]) -> Iterator[Delivery]:
    """Yield what the broker has delivered already, at most a batch with the one before."""
    for _ in range(BATCH_SIZE - 1):
        if not channel.get_waiting_message_count():
            channel.connection.process_data_events(time_limit=0)
        if not channel.get_waiting_message_count():
            return
        method, _, body = next(deliveries)
        yield Delivery(method.delivery_tag, body or b"")


def _handle_batch(channel: BlockingChannel, batch: Sequence[Delivery]) -> None:
    """Handle some messages and acknowledge them; none where the database is unavailable."""
    bodies = [each.body for each in batch]
    try:
        handle_messages(bodies)
    except DatabaseError:
        raise
    except Exception:  # a message must never end the listener, nor keep others from being handled
        logger.exception("messages of the exchange are handled one by one")
        for body in bodies:
            _handle_alone(body)
    channel.basic_ack(batch[-1].tag, multiple=True)


def _handle_alone(body: bytes) -> None:
    try:
        handle_messages([body])
    except DatabaseError:
        raise
    except Exception:
        logger.exception("dropped a message of the exchange")
