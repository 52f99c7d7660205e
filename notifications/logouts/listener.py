"""Consumes logouts from the exchange: acknowledges after the commit, survives any message."""

import logging
import time

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic

from lib.backoff import ExponentialBackoff
from notifications.logouts.broker import (
    bind_queue,
    connect,
    declare_exchange,
    run_until_stopped,
)
from notifications.logouts.long_running import Stop
from notifications.logouts.messages import handle_message
from notifications.models import Heartbeat

logger = logging.getLogger(__name__)
HEARTBEAT_NAME = "auth-events"
# Messages that the broker delivers before the first of them is acknowledged.
PREFETCH_COUNT = 50
HEARTBEAT_INTERVAL = 5
POLL_INTERVAL = 0.5


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
        channel.basic_qos(prefetch_count=PREFETCH_COUNT)
        heartbeat = _PeriodicHeartbeat()
        for method, _, body in channel.consume(
            settings.AUTH_QUEUE, inactivity_timeout=POLL_INTERVAL
        ):
            if method:
                _handle_delivery(channel, method, body or b"")
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
        Heartbeat.objects.update_or_create(name=HEARTBEAT_NAME, defaults={"at": timezone.now()})
        self._next = time.monotonic() + HEARTBEAT_INTERVAL
        return True


def _handle_delivery(channel: BlockingChannel, method: Basic.Deliver, body: bytes) -> None:
    try:
        handle_message(body)
    except DatabaseError:
        raise
    except Exception:  # a message must never end the listener
        logger.exception("dropped a message of the exchange")
    channel.basic_ack(method.delivery_tag)
