"""Listens on the exchange: acknowledges after the commit, and never dies of a message."""

import logging
from functools import partial

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import Basic, BasicProperties

from notifications.broker import bind_queue, connect, declare_exchange, keep_working
from notifications.logouts import hear
from notifications.models import Heartbeat
from notifications.stopping import Backoff, Stop

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


def _listen(stop: Stop, backoff: Backoff) -> None:
    with connect() as connection:
        channel = connection.channel()
        declare_exchange(channel)
        bind_queue(channel)
        channel.basic_qos(prefetch_count=PREFETCH)
        channel.basic_consume(settings.AUTH_QUEUE, partial(_hear, backoff=backoff))
        last_beat = None
        while not stop.is_set():
            connection.process_data_events(time_limit=LOOK_EVERY)
            now = timezone.now()
            if last_beat is None or (now - last_beat).total_seconds() >= BEAT_EVERY:
                Heartbeat.objects.update_or_create(name=NAME, defaults={"at": now})
                last_beat = now


def _hear(
    channel: BlockingChannel,
    method: Basic.Deliver,
    properties: BasicProperties,
    body: bytes,
    *,
    backoff: Backoff,
) -> None:
    try:
        hear(body)
    except DatabaseError:
        raise
    except Exception:  # a message must never end the listener
        logger.exception("dropped a message of the exchange")
    channel.basic_ack(method.delivery_tag)
    backoff.reset()
