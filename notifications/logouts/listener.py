"""Listens on the exchange: acknowledges after the commit, and never dies of a message."""

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
    keep_working,
)
from notifications.logouts.long_running import Stop
from notifications.logouts.messages import hear
from notifications.models import Heartbeat

logger = logging.getLogger(__name__)
NAME = "auth-events"
# So many messages are on their way to us at once.
PREFETCH = 50
BEAT_EVERY = 5
LOOK_EVERY = 0.5


def listen_until(stop: Stop) -> None:
    """Hear every message, until told to stop; outlives broker and database.

    While the database is away the connection closes with the message unacknowledged: the broker
    keeps it.
    """
    keep_working(_listen, stop)


def _listen(stop: Stop, backoff: ExponentialBackoff) -> None:
    """Ends when told to stop, and when the broker takes our queue away."""
    with connect() as broker:
        channel = broker.channel()
        declare_exchange(channel)
        bind_queue(channel)
        channel.basic_qos(prefetch_count=PREFETCH)
        beat = _Beat()
        for method, _, body in channel.consume(settings.AUTH_QUEUE, inactivity_timeout=LOOK_EVERY):
            if method:
                _take(channel, method, body or b"")
            if stop.is_set():
                return
            if beat.is_given():
                backoff.reset()


class _Beat:
    """Tells everyone, now and then, that we listen."""

    def __init__(self) -> None:
        self._next = 0.0

    def is_given(self) -> bool:
        """Give a beat when it is time; tells whether it was."""
        if time.monotonic() < self._next:
            return False
        Heartbeat.objects.update_or_create(name=NAME, defaults={"at": timezone.now()})
        self._next = time.monotonic() + BEAT_EVERY
        return True


def _take(channel: BlockingChannel, method: Basic.Deliver, body: bytes) -> None:
    try:
        hear(body)
    except DatabaseError:
        raise
    except Exception:  # a message must never end the listener
        logger.exception("dropped a message of the exchange")
    channel.basic_ack(method.delivery_tag)
